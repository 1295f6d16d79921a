// SPDX-License-Identifier: MIT
// Response normalisation across channels, vectorised over the channels.
//
// A number is 12 bytes forward, its scale among them, and 20 back. One image lies in the caches,
// and arithmetic is the limit: 12 multiply-adds and 5 loads across vectors for 16 numbers (96 x 55
// x 55 on two cores of Zen 5, bench_op_ops: 0.064 ms, back 0.07, where sums, powers and gradients
// that each went through memory took 0.11). Of 16 images and more the memory is, at 20 to 43 GB/s
// by the hour and the batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/lanes.hpp"
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
    static constexpr Index reach = 64;    ///< members of a window that are added at once
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
        const Index channels = g.shape.channels;
        const Index rows = g.batch * g.shape.area(), parts = (channels + width - 1) / width;
        parallel_vectors(
            rows * parts, threads_for(rows * channels, max_threads()),
            [&](auto bytes, Index begin, Index end) __attribute__((always_inline)) {
                Stretch stretches[together];
                for (Index part = begin; part < end; part += together) {
                    const Index count = std::min(together, end - part);
                    for (Index n = 0; n < count; ++n) {
                        const Index row = (part + n) / parts, first = (part + n) % parts * width;
                        stretches[n] = {row * channels, first, std::min(width, channels - first)};
                    }
                    add_windows<Vectors<bytes, T>, T>(before, after, channels, stretches, count,
                                                      prepare, finish);
                }
            });
    }

    /// Windows are read across the vectors that were written, which waits until these are in the
    /// cache: several stretches are written before the first is read (one at a time takes 1.2 times
    /// as long).
    template <class V, class T, class Prepare, class Finish>
    [[gnu::always_inline]] static void add_windows(Index before, Index after, Index channels,
                                                   const Stretch* stretches, Index count,
                                                   const Prepare& prepare, const Finish& finish) {
        using S = typename V::Number;
        constexpr Index lanes = V::lanes, room = width + reach + lanes;
        // Not known to be 0: for a handful of numbers compilers would call memset.
        const auto zero = after_loads(typename V::Integer{0});
        const auto zeros = reinterpret_cast<typename V::Lanes>(typename V::Integers{} + zero);
        S values[together][room], kept[together][room], sums[together][width];
        // The last part of the windows is the one that holds each one's own channel.
        const Index size = before + 1 + after, parts = (size + reach - 1) / reach;
        for (Index part = 1; part <= parts; ++part) {
            const Index begin = (before / reach + part) % parts * reach, offset = begin - before;
            const Index members = std::min(reach, size - begin);
            for (Index n = 0; n < count; ++n) {
                const Index from = stretches[n].first + offset, row = stretches[n].row + from;
                const Index last = rounded<lanes>(stretches[n].count) + members - 1;
                const Index skip = std::clamp<Index>(-from, 0, last);
                const Index stop = std::clamp<Index>(channels - from, skip, last);
                for (Index i = 0; i < skip; i += lanes) store(zeros, values[n] + i);
                each_vector<V, T>(
                    stop - skip, [&](auto vectors, Index i) __attribute__((always_inline)) {
                        typename decltype(vectors)::Lanes value, own{};
                        prepare(vectors, row + skip + i, value, own);
                        store(value, values[n] + skip + i);
                        store(own, kept[n] + skip + i);
                    });
                for (Index i = stop; i < last; i += lanes) store(zeros, values[n] + i);
            }
            for (Index n = 0; n < count; ++n) {
                for (Index i = 0; part < parts && i < stretches[n].count; i += lanes) {
                    typename V::Lanes sum{};
                    if (part > 1) load(sums[n] + i, sum);
                    add_members(values[n] + i, members, sum);
                    store(sum, sums[n] + i);
                }
                if (part < parts) continue;
                each_vector<V, T>(
                    stretches[n].count, [&](auto vectors, Index i) __attribute__((always_inline)) {
                        typename decltype(vectors)::Lanes sum{}, own;
                        if (parts > 1) load(sums[n] + i, sum);
                        add_members(values[n] + i, members, sum);
                        load(kept[n] + i - offset, own);
                        finish(vectors, stretches[n].row + stretches[n].first + i, sum, own);
                    });
            }
        }
    }

    /// sum[i] += from[i] + from[i + 1] + ... , `count` numbers
    template <class S, class Lanes>
    [[gnu::always_inline]] static void add_members(const S* from, Index count, Lanes& sum) {
        for (Index d = 0; d < count; ++d) {
            Lanes member;
            load(from + d, member);
            sum += member;
        }
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

    /// Calls f(vectors, begin) over 0 .. count - 1; the last vector may overlap the one before.
    /// What is shorter than a vector goes number by number.
    template <class V, class T, class F>
    [[gnu::always_inline]] static void each_vector(Index count, const F& f) {
        if (count < V::lanes) {
            for (Index i = 0; i < count; ++i) f(Vectors<sizeof(Master<T>), T>(), i);
        } else {
            for (Index i = 0; i < count; i += V::lanes) {
                f(V(), std::min<Index>(i, count - V::lanes));
            }
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

    template <Index Lanes>
    static constexpr Index rounded(Index count) {
        return (count + Lanes - 1) / Lanes * Lanes;
    }
};

}  // namespace tessera::cpu
