// SPDX-License-Identifier: MIT
// Response normalisation across channels, vectorised over the channels.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/lanes.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/rectify.hpp"
#include "tessera/backend/cpu/with_instructions.hpp"
#include "tessera/backend/geometry.hpp"

namespace tessera::cpu {

/// LrnOp of backend/concept.hpp. The window of channel i is i - size / 2 .. i + (size - 1) / 2.
struct Lrn {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(const LrnGeometry& g, const T* x, T* y, std::type_identity_t<T>* scale) {
        using S = Master<T>;
        const S alpha = static_cast<S>(g.alpha), k = static_cast<S>(g.k);
        const auto compute = [&](auto bytes, Index at, Index first, Index count, Index rows)
            __attribute__((always_inline)) {
            const Index channels = g.shape.channels;
            S sums[most_rows][width], scales[width], powers[width];
            add_windows<bytes>(g.size / 2, (g.size - 1) / 2, first, count, channels, rows, sums,
                               [=](Index j) { return S{x[at + j]} * S{x[at + j]}; });
            for (Index row = 0; row < rows; ++row) {
                const Index here = at + row * channels + first;
                each_piece(count, [&](Index i) { scales[i] = k + alpha * sums[row][i]; });
                raise(g.beta, count, scales, powers);
                compute_apart(count, y + here, [&](Index c) { return S{x[here + c]} * powers[c]; });
                if (scale) compute_apart(count, scale + here, [&](Index c) { return scales[c]; });
            }
        };
        each_stretch(g, compute);
    }

    /// dx[i] = dy[i] * scale[i]^-beta
    ///         - 2 * alpha * beta * x[i] * sum over j whose window holds i of dy[j] y[j] / scale[j]
    template <class T>
    static void backward(const LrnGeometry& g, const T* x, const T* y, const T* scale, const T* dy,
                         T* dx, const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        using S = Master<T>;
        const S factor = static_cast<S>(2 * g.alpha * g.beta);
        const auto compute = [&](auto bytes, Index at, Index first, Index count, Index rows)
            __attribute__((always_inline)) {
            const Index channels = g.shape.channels;
            S sums[most_rows][width], powers[width], own[width];
            const auto share = [=](Index j) {
                return S{dy[at + j]} * S{y[at + j]} / S{scale[at + j]};
            };
            add_windows<bytes>((g.size - 1) / 2, g.size / 2, first, count, channels, rows, sums,
                               share);
            each_piece(count, [&](Index i) { own[i] = S{1}; });
            for (Index row = 0; row < rows; ++row) {
                const Index here = at + row * channels + first;
                compute_apart(count, own, [&](Index c) { return scale[here + c]; });
                raise(g.beta, count, own, powers);
                compute_apart(count, dx + here, [&](Index c) {
                    return S{dy[here + c]} * powers[c] - factor * S{x[here + c]} * sums[row][c];
                });
                if (rectified) rectify_gradient(count, rectified + here, dx + here);
            }
        };
        each_stretch(g, compute);
    }

private:
    static constexpr Index piece = 32;  // of channels, that are in registers at once
    static constexpr Index width = 128;
    static constexpr Index reach = 64;
    static constexpr Index most_rows = 8;

    /// Calls f(width of a vector, first element of a position, first channel, channels, positions)
    /// for stretches of at most `width` channels of at most `most_rows` positions.
    template <class F>
    static void each_stretch(const LrnGeometry& g, const F& f) {
        const Index channels = g.shape.channels;
        const Index rows = g.batch * g.shape.area();
        parallel_vectors(rows, threads_for(rows * channels, max_threads()),
                         [&](auto bytes, Index begin, Index end) {
                             for (Index row = begin; row < end; row += most_rows) {
                                 const Index together = std::min(most_rows, end - row);
                                 for (Index first = 0; first < channels; first += width) {
                                     f(bytes, row * channels, first,
                                       std::min(width, channels - first), together);
                                 }
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

    /// sums[row][i] = sum of value(row * channels + j) over j in first + i - before .. first + i +
    /// after, clipped to 0 .. channels - 1, for i in 0 .. count - 1; what follows in the last piece
    /// has any value.
    ///
    /// A window is read across the vectors that were written, which waits for these to be in the
    /// cache: several rows are written before the first is read.
    template <int Bytes, class T, class Value>
    [[gnu::always_inline]] static void add_windows(Index before, Index after, Index first,
                                                   Index count, Index channels, Index rows,
                                                   T (&sums)[most_rows][width],
                                                   const Value& value) {
        using V = Vectors<Bytes, T>;
        static_assert(piece % (2 * V::lanes) == 0);
        // Not known to be 0: for a handful of numbers compilers would call memset.
        const auto zero = after_loads(typename V::Integer{0});
        const auto zeros = reinterpret_cast<typename V::Lanes>(typename V::Integers{} + zero);
        const Index whole = (count + piece - 1) / piece * piece;
        // At most `reach` members of every window at a time.
        for (Index from = first - before; from <= first + after; from += reach) {
            const Index members = std::min(reach, first + after + 1 - from);
            // Of channels from, from + 1, ...; 0 beyond them.
            T values[most_rows][width + reach + V::lanes];
            const Index last = whole + members - 1;
            const Index skip = std::clamp<Index>(-from, 0, last);
            const Index stop = std::clamp<Index>(channels - from, skip, last);
            for (Index row = 0; row < rows; ++row) {
                const Index begin = row * channels + from + skip;
                for (Index i = 0; i < skip; i += V::lanes) V::store(zeros, values[row] + i);
                compute_apart(stop - skip, values[row] + skip,
                              [=](Index k) { return value(begin + k); });
                for (Index i = stop; i < last; i += V::lanes) V::store(zeros, values[row] + i);
            }
            for (Index row = 0; row < rows; ++row) {
                for (Index at = 0; at < whole; at += 2 * V::lanes) {
                    typename V::Lanes sum[2] = {}, member[2];
                    if (from > first - before) {
                        for (int v = 0; v < 2; ++v) {
                            V::load(sums[row] + at + v * V::lanes, sum[v]);
                        }
                    }
                    for (Index d = 0; d < members; ++d) {
                        for (int v = 0; v < 2; ++v) {
                            V::load(values[row] + at + d + v * V::lanes, member[v]);
                            sum[v] += member[v];
                        }
                    }
                    for (int v = 0; v < 2; ++v) V::store(sum[v], sums[row] + at + v * V::lanes);
                }
            }
        }
    }
};

}  // namespace tessera::cpu
