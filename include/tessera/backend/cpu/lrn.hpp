// SPDX-License-Identifier: MIT
// Response normalisation across channels, vectorised over the channels.
//
// A number is 12 bytes forward, its scale among them, and 20 back. One image lies in the caches,
// and arithmetic is the limit: 12 multiply-adds and 5 loads across vectors for 16 numbers (96 x 55
// x 55 on two cores of Zen 5, bench_op_ops: 0.056 to 0.064 ms, back 0.07 to 0.084, where sums,
// powers and gradients that each went through memory took 0.11). Of 16 images and more the memory
// is, at 23 to 70 GB/s by the hour and the batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/lanes.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/parallel_vectors.hpp"
#include "tessera/backend/geometry.hpp"

namespace tessera::cpu {

/// LrnOp of backend/concept.hpp. The window of channel i is i - size / 2 .. i + (size - 1) / 2.
struct Lrn {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(const LrnGeometry& g, const T* x, T* y, std::type_identity_t<T>* scale) {
        using S = Master<T>;
        const S alpha = static_cast<S>(g.alpha), k = static_cast<S>(g.k);
        each_window<T>(
            g, g.size / 2, (g.size - 1) / 2,
            [=](auto vectors, Index at, auto& square, auto&) __attribute__((always_inline)) {
                decltype(vectors)::load(x + at, square);
                square *= square;
            },
            [=](auto vectors, Index at, auto& sum, auto&) __attribute__((always_inline)) {
                using V = decltype(vectors);
                typename V::Lanes number, power, inverse;
                V::load(x + at, number);
                sum = k + alpha * sum;
                raise<V>(g.beta, sum, power, inverse);
                power *= number;
                V::store(power, y + at);
                if (scale) V::store(sum, scale + at);
            });
    }

    /// dx[i] = dy[i] * scale[i]^-beta
    ///         - 2 * alpha * beta * x[i] * sum over j whose window holds i of dy[j] y[j] / scale[j]
    template <class T>
    static void backward(const LrnGeometry& g, const T* x, const T* y, const T* scale, const T* dy,
                         T* dx, const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        using S = Master<T>;
        const S factor = static_cast<S>(2 * g.alpha * g.beta);
        each_window<T>(
            g, (g.size - 1) / 2, g.size / 2,
            [=](auto vectors, Index at, auto& value, auto& own) __attribute__((always_inline)) {
                using V = decltype(vectors);
                typename V::Lanes output, scales, inverse;
                V::load(scale + at, scales);
                V::load(y + at, output);
                V::load(dy + at, value);
                raise<V>(g.beta, scales, own, inverse);
                own *= value;
                value *= output * inverse;
            },
            [=](auto vectors, Index at, auto& sum, auto& own) __attribute__((always_inline)) {
                using V = decltype(vectors);
                typename V::Lanes number, gradient[1];
                V::load(x + at, number);
                gradient[0] = own - factor * number * sum;
                store_gradient<V>(gradient, rectified ? rectified + at : nullptr, dx + at);
            });
    }

private:
    static constexpr Index width = 128;   ///< channels of a position that are computed at once
    static constexpr Index reach = 64;    ///< members of the longest window of vectors
    static constexpr Index together = 4;  ///< positions, or parts of them, see add_windows()

    /// `count` channels of one position, from `first` on; `row` is the position's first element.
    struct Stretch {
        Index row, first, count;
    };

    /// For all channels of all positions: prepare(vectors, at, value, own) gives the value of each
    /// member of a window, and a number that is kept; finish(vectors, at, sum, own) is called with
    /// the sum over a window, from `before` channels before its own to `after` behind, and the own
    /// one's number. `at` is where the channels of a vector begin.
    template <class T, class Prepare, class Finish>
    static void each_window(const LrnGeometry& g, Index before, Index after, const Prepare& prepare,
                            const Finish& finish) {
        const Index channels = g.shape.channels, length = std::min(width, channels);
        const Index rows = g.batch * g.shape.area(), parts = (channels + width - 1) / width;
        const int threads = threads_for(rows * channels, max_threads());
        if (length < most_lanes<T> || before + after >= reach) {
            parallel_for(rows, threads, [&](Index begin, Index end, int) {
                for (Index row = begin; row < end; ++row) {
                    add_by_definition<T>(before, after, channels, row * channels, prepare, finish);
                }
            });
            return;
        }
        parallel_vectors(
            rows, threads, [&](auto bytes, Index begin, Index end) __attribute__((always_inline)) {
                Stretch stretches[together];
                for (Index part = begin * parts; part < end * parts; part += together) {
                    const Index count = std::min(together, end * parts - part);
                    for (Index n = 0; n < count; ++n) {
                        const Index row = (part + n) / parts, first = (part + n) % parts * width;
                        // The last one of a position may overlap the one before.
                        stretches[n] = {row * channels, std::min(first, channels - length), length};
                    }
                    add_windows<Vectors<bytes, T>>(before, after, channels, stretches, count,
                                                   prepare, finish);
                }
            });
    }

    /// Numbers in the longest vector.
    template <class T>
    static constexpr Index most_lanes = 64 / static_cast<Index>(sizeof(Master<T>));

    /// Few channels, or long windows: number by number.
    template <class T, class Prepare, class Finish>
    static void add_by_definition(Index before, Index after, Index channels, Index row,
                                  const Prepare& prepare, const Finish& finish) {
        using V = Vectors<sizeof(Master<T>), T>;
        for (Index i = 0; i < channels; ++i) {
            typename V::Lanes sum{}, value, own{}, kept{};
            const Index last = std::min(i + after, channels - 1);
            for (Index member = std::max<Index>(i - before, 0); member <= last; ++member) {
                prepare(V(), row + member, value, own);
                sum += value;
                if (member == i) kept = own;
            }
            finish(V(), row + i, sum, kept);
        }
    }

    /// Windows are read across the vectors that were written, which waits until these are in the
    /// cache: several stretches are written before the first is read (one at a time takes 1.2 times
    /// as long).
    template <class V, class Prepare, class Finish>
    [[gnu::always_inline]] static void add_windows(Index before, Index after, Index channels,
                                                   const Stretch* stretches, Index count,
                                                   const Prepare& prepare, const Finish& finish) {
        constexpr Index lanes = V::lanes, room = width + reach + lanes;
        // Not known to be 0: for a handful of numbers compilers would call memset.
        const auto zero = after_loads(typename V::Integer{0});
        const auto zeros = reinterpret_cast<typename V::Lanes>(typename V::Integers{} + zero);
        // Of channels first - before, first - before + 1, ...; 0 where there is none.
        typename V::Number values[together][room], kept[together][room];
        for (Index n = 0; n < count; ++n) {
            const Index from = stretches[n].first - before, row = stretches[n].row + from;
            const Index last = stretches[n].count + before + after;
            const Index skip = std::max<Index>(-from, 0);
            const Index stop = std::min(channels - from, last);
            for (Index i = 0; i < skip; i += lanes) store(zeros, values[n] + i);
            each_vector<V>(
                stop - skip, [&](Index i) __attribute__((always_inline)) {
                    typename V::Lanes value, own{};
                    prepare(V(), row + skip + i, value, own);
                    store(value, values[n] + skip + i);
                    store(own, kept[n] + skip + i);
                });
            for (Index i = stop; i < last; i += lanes) store(zeros, values[n] + i);
        }
        for (Index n = 0; n < count; ++n) {
            each_vector<V>(
                stretches[n].count, [&](Index i) __attribute__((always_inline)) {
                    typename V::Lanes sum{}, member, own;
                    for (Index d = 0; d <= before + after; ++d) {
                        load(values[n] + i + d, member);
                        sum += member;
                    }
                    load(kept[n] + before + i, own);
                    finish(V(), stretches[n].row + stretches[n].first + i, sum, own);
                });
        }
    }

    /// Calls f(begin) for the vectors of 0 .. count - 1, of which the last may overlap the one
    /// before.
    template <class V, class F>
    [[gnu::always_inline]] static void each_vector(Index count, const F& f) {
        for (Index i = 0; i < count; i += V::lanes) f(std::min<Index>(i, count - V::lanes));
    }

    /// power = scale^-beta, inverse = 1 / scale
    template <class V>
    [[gnu::always_inline]] static void raise(double beta, const typename V::Lanes& scale,
                                             typename V::Lanes& power, typename V::Lanes& inverse) {
        using S = typename V::Number;
        if (beta == 0.75) {
            typename V::Lanes root;
            inverse_fourth_root<V>(scale, root);
            const auto square = root * root;
            power = square * root;
            inverse = square * square;
        } else {
            const S exponent = static_cast<S>(-beta);
            S numbers[V::lanes];
            std::memcpy(numbers, &scale, sizeof numbers);
            for (S& number : numbers) number = std::pow(number, exponent);
            std::memcpy(&power, numbers, sizeof numbers);
            inverse = S{1} / scale;
        }
    }

    template <class Lanes, class S>
    [[gnu::always_inline]] static void load(const S* from, Lanes& to) {
        std::memcpy(&to, from, sizeof to);
    }
    template <class Lanes, class S>
    [[gnu::always_inline]] static void store(const Lanes& from, S* to) {
        std::memcpy(to, &from, sizeof from);
    }
};

}  // namespace tessera::cpu
