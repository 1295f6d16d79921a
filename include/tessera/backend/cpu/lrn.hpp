// SPDX-License-Identifier: MIT
// Response normalisation across channels, vectorised over the channels.
//
// A number is 12 bytes forward, its scale among them, and 20 back. One image lies in the caches,
// and arithmetic is the limit (96 x 55 x 55 on two cores of Zen 5, bench_op_ops: 0.08 to 0.1 ms,
// back 0.13); of 16 and more the memory is, at 20 to 43 GB/s by the hour and the batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/lanes.hpp"
#include "tessera/backend/cpu/parallel_vectors.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/rectify.hpp"
#include "tessera/backend/geometry.hpp"

namespace tessera::cpu {

/// LrnOp of backend/concept.hpp. The window of channel i is i - size / 2 .. i + (size - 1) / 2.
struct Lrn {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(const LrnGeometry& g, const T* x, T* y, std::type_identity_t<T>* scale) {
        using S = Master<T>;
        const S alpha = static_cast<S>(g.alpha), k = static_cast<S>(g.k);
        const auto compute = [&](auto bytes, const Stretch* stretches, Index together)
            __attribute__((always_inline)) {
            S sums[together_forward][width], scales[width], powers[width];
            add_windows<bytes>(g.size / 2, (g.size - 1) / 2, g.shape.channels, stretches, together,
                               sums, [=](Index i) { return S{x[i]} * S{x[i]}; });
            for (Index n = 0; n < together; ++n) {
                const Index at = stretches[n].row + stretches[n].first, count = stretches[n].count;
                each_piece(count, [&](Index i) { scales[i] = k + alpha * sums[n][i]; });
                raise(g.beta, count, scales, powers);
                compute_apart(count, y + at, [&](Index c) { return S{x[at + c]} * powers[c]; });
                if (scale) compute_apart(count, scale + at, [&](Index c) { return scales[c]; });
            }
        };
        each_stretch<together_forward>(g, compute);
    }

    /// dx[i] = dy[i] * scale[i]^-beta
    ///         - 2 * alpha * beta * x[i] * sum over j whose window holds i of dy[j] y[j] / scale[j]
    template <class T>
    static void backward(const LrnGeometry& g, const T* x, const T* y, const T* scale, const T* dy,
                         T* dx, const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        using S = Master<T>;
        const S factor = static_cast<S>(2 * g.alpha * g.beta);
        const auto compute = [&](auto bytes, const Stretch* stretches, Index together)
            __attribute__((always_inline)) {
            S sums[together_backward][width], powers[width], own[width];
            add_windows<bytes>((g.size - 1) / 2, g.size / 2, g.shape.channels, stretches, together,
                               sums, [=](Index i) { return S{dy[i]} * S{y[i]} / S{scale[i]}; });
            each_piece(width, [&](Index i) { own[i] = S{1}; });
            for (Index n = 0; n < together; ++n) {
                const Index at = stretches[n].row + stretches[n].first, count = stretches[n].count;
                compute_apart(count, own, [&](Index c) { return scale[at + c]; });
                raise(g.beta, count, own, powers);
                compute_apart(count, dx + at, [&](Index c) {
                    return S{dy[at + c]} * powers[c] - factor * S{x[at + c]} * sums[n][c];
                });
                if (rectified) rectify_gradient(count, rectified + at, dx + at);
            }
        };
        each_stretch<together_backward>(g, compute);
    }

private:
    static constexpr Index piece = 32;  // of channels, that are in registers at once
    static constexpr Index width = 128;
    static constexpr Index reach = 64;

    /// Stretches that are computed together, see add_windows(). Back, four at a time take 0.8 times
    /// as long at batch 1, but 1.2 times at batch 128 of 256 channels: the limit there is memory.
    static constexpr Index together_forward = 4, together_backward = 1;

    /// `count` channels of one position, from `first` on; `row` is the position's first element.
    struct Stretch {
        Index row, first, count;
    };

    /// Calls f(width of a vector, stretches, how many) for all the channels of all positions:
    /// stretches of at most `width` channels, at most `Most` that follow one another.
    template <Index Most, class F>
    static void each_stretch(const LrnGeometry& g, const F& f) {
        const Index channels = g.shape.channels;
        const Index rows = g.batch * g.shape.area(), parts = (channels + width - 1) / width;
        parallel_vectors(
            rows * parts, threads_for(rows * channels, max_threads()),
            [&](auto bytes, Index begin, Index end) {
                Stretch stretches[Most];
                for (Index part = begin; part < end; part += Most) {
                    const Index together = std::min(Most, end - part);
                    for (Index n = 0; n < together; ++n) {
                        const Index row = (part + n) / parts, first = (part + n) % parts * width;
                        stretches[n] = {row * channels, first, std::min(width, channels - first)};
                    }
                    f(bytes, stretches, together);
                }
            });
    }

    /// Calls f with 0 .. count - 1 and the rest of the last piece.
    template <class F>
    [[gnu::always_inline]] static void each_piece(Index count, const F& f) {
        for (Index at = 0; at < count; at += piece) {
            for (Index i = 0; i < piece; ++i) f(at + i);
        }
    }

    /// powers[i] = scales[i]^-beta
    template <class T>
    [[gnu::always_inline]] static void raise(double beta, Index count, const T (&scales)[width],
                                             T (&powers)[width]) {
        if (beta == 0.75) {
            each_piece(count, [&](Index i) { powers[i] = inverse_three_quarters(scales[i]); });
        } else {
            const T exponent = static_cast<T>(-beta);
            for (Index i = 0; i < count; ++i) powers[i] = std::pow(scales[i], exponent);
        }
    }

    /// sums[n][i] = sum of value(row + j) over j in first + i - before .. first + i + after,
    /// clipped to 0 .. channels - 1, for i in 0 .. count - 1 of stretch n; what follows in the last
    /// piece has any value.
    ///
    /// Windows are read across the vectors that were written, which waits until these are in the
    /// cache: several stretches are written before the first is read.
    template <int Bytes, Index Most, class T, class Value>
    [[gnu::always_inline]] static void add_windows(Index before, Index after, Index channels,
                                                   const Stretch* stretches, Index together,
                                                   T (&sums)[Most][width], const Value& value) {
        using V = Vectors<Bytes, T>;
        static_assert(piece % (2 * V::lanes) == 0);
        // Not known to be 0: for a handful of numbers compilers would call memset.
        const auto zero = after_loads(typename V::Integer{0});
        const auto zeros = reinterpret_cast<typename V::Lanes>(typename V::Integers{} + zero);
        // At most `reach` members of every window at a time.
        for (Index offset = -before; offset <= after; offset += reach) {
            const Index members = std::min(reach, after + 1 - offset);
            // Of channels first + offset, first + offset + 1, ...; 0 where there is none.
            T values[Most][width + reach + V::lanes];
            for (Index n = 0; n < together; ++n) {
                const Index from = stretches[n].first + offset, row = stretches[n].row;
                const Index last = rounded(stretches[n].count) + members - 1;
                const Index skip = std::clamp<Index>(-from, 0, last);
                const Index stop = std::clamp<Index>(channels - from, skip, last);
                for (Index i = 0; i < skip; i += V::lanes) V::store(zeros, values[n] + i);
                compute_apart(stop - skip, values[n] + skip,
                              [=](Index i) { return value(row + from + skip + i); });
                for (Index i = stop; i < last; i += V::lanes) V::store(zeros, values[n] + i);
            }
            for (Index n = 0; n < together; ++n) {
                const Index whole = rounded(stretches[n].count);
                for (Index at = 0; at < whole; at += 2 * V::lanes) {
                    typename V::Lanes sum[2] = {}, member[2];
                    if (offset > -before) {
                        for (int v = 0; v < 2; ++v) V::load(sums[n] + at + v * V::lanes, sum[v]);
                    }
                    for (Index d = 0; d < members; ++d) {
                        for (int v = 0; v < 2; ++v) {
                            V::load(values[n] + at + d + v * V::lanes, member[v]);
                            sum[v] += member[v];
                        }
                    }
                    for (int v = 0; v < 2; ++v) V::store(sum[v], sums[n] + at + v * V::lanes);
                }
            }
        }
    }

    /// Rounded up to whole pieces.
    static constexpr Index rounded(Index count) { return (count + piece - 1) / piece * piece; }
};

}  // namespace tessera::cpu
