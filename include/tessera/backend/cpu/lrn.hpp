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
        const auto compute = [&](auto bytes, Index at, Index first, Index count)
            __attribute__((always_inline)) {
            S scales[width], powers[width];
            const T* row = x + at;
            add_windows<bytes>(g.size / 2, (g.size - 1) / 2, first, count, g.shape.channels, scales,
                               [=](Index j) { return S{row[j]} * S{row[j]}; });
            each_piece(count, [&](Index i) { scales[i] = k + alpha * scales[i]; });
            raise(g.beta, count, scales, powers);
            compute_apart(count, y + at + first,
                          [&](Index c) { return S{row[first + c]} * powers[c]; });
            if (scale) compute_apart(count, scale + at + first, [&](Index c) { return scales[c]; });
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
        const auto compute = [&](auto bytes, Index at, Index first, Index count)
            __attribute__((always_inline)) {
            S sums[width], powers[width], own[width];
            const T *in = x + at, *out = y + at, *scales = scale + at, *gradient = dy + at;
            add_windows<bytes>((g.size - 1) / 2, g.size / 2, first, count, g.shape.channels, sums,
                               [=](Index j) { return S{gradient[j]} * S{out[j]} / S{scales[j]}; });
            each_piece(count, [&](Index i) { own[i] = S{1}; });
            compute_apart(count, own, [&](Index c) { return scales[first + c]; });
            raise(g.beta, count, own, powers);
            compute_apart(count, dx + at + first, [&](Index c) {
                const Index i = first + c;
                return S{gradient[i]} * powers[c] - factor * S{in[i]} * sums[c];
            });
            if (rectified) rectify_gradient(count, rectified + at + first, dx + at + first);
        };
        each_stretch(g, compute);
    }

private:
    static constexpr Index piece = 32;  // of channels, that are in registers at once
    static constexpr Index width = 128;
    static constexpr Index reach = 64;

    /// Calls f(width of a vector, first element of a position, first channel, channels) for
    /// stretches of at most `width` channels.
    template <class F>
    static void each_stretch(const LrnGeometry& g, const F& f) {
        const Index channels = g.shape.channels;
        const Index rows = g.batch * g.shape.area();
        parallel_vectors(rows, threads_for(rows * channels, max_threads()),
                         [&](auto bytes, Index begin, Index end) {
                             for (Index row = begin; row < end; ++row) {
                                 for (Index first = 0; first < channels; first += width) {
                                     f(bytes, row * channels, first,
                                       std::min(width, channels - first));
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

    /// sums[i] = sum of value(j) over j in first + i - before .. first + i + after, clipped to
    /// 0 .. channels - 1, for i in 0 .. count - 1; what follows in the last piece has any value.
    template <int Bytes, class T, class Value>
    [[gnu::always_inline]] static void add_windows(Index before, Index after, Index first,
                                                   Index count, Index channels, T (&sums)[width],
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
            T values[width + reach + V::lanes];  // of channels from, from + 1, ...; 0 beyond them
            const Index last = whole + members - 1;
            const Index skip = std::clamp<Index>(-from, 0, last);
            const Index stop = std::clamp<Index>(channels - from, skip, last);
            for (Index i = 0; i < skip; i += V::lanes) V::store(zeros, values + i);
            compute_apart(stop - skip, values + skip,
                          [=](Index k) { return value(from + skip + k); });
            for (Index i = stop; i < last; i += V::lanes) V::store(zeros, values + i);
            // Two vectors at a time, which stay in registers.
            for (Index at = 0; at < whole; at += 2 * V::lanes) {
                typename V::Lanes sum[2] = {}, member[2];
                if (from > first - before) {
                    for (int v = 0; v < 2; ++v) V::load(sums + at + v * V::lanes, sum[v]);
                }
                for (Index d = 0; d < members; ++d) {
                    for (int v = 0; v < 2; ++v) {
                        V::load(values + at + d + v * V::lanes, member[v]);
                        sum[v] += member[v];
                    }
                }
                for (int v = 0; v < 2; ++v) V::store(sum[v], sums + at + v * V::lanes);
            }
        }
    }
};

}  // namespace tessera::cpu
