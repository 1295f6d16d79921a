// SPDX-License-Identifier: MIT
// Response normalisation across channels, vectorised over the channels.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/parallel.hpp"
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
        with_power<S>(g.beta, [&](auto power) {
            each_stretch(g, [&](Index at, Index first, Index count) {
                S sums[width];
                const T* row = x + at;
                add_windows(g.size / 2, (g.size - 1) / 2, first, count, g.shape.channels, sums,
                            [=](Index j) { return S{row[j]} * S{row[j]}; });
                S scales[width];
                compute_apart(count, scales, [&](Index c) { return k + alpha * sums[c]; });
                compute_apart(count, y + at + first,
                              [&](Index c) { return S{row[first + c]} * power(scales[c]); });
                if (scale) {
                    compute_apart(count, scale + at + first, [&](Index c) { return scales[c]; });
                }
            });
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
        with_power<S>(g.beta, [&](auto power) {
            each_stretch(g, [&](Index at, Index first, Index count) {
                S sums[width];
                const T *in = x + at, *out = y + at, *scales = scale + at, *gradient = dy + at;
                add_windows((g.size - 1) / 2, g.size / 2, first, count, g.shape.channels, sums,
                            [=](Index j) { return S{gradient[j]} * S{out[j]} / S{scales[j]}; });
                compute_apart(count, dx + at + first, [&](Index c) {
                    const Index i = first + c;
                    return S{gradient[i]} * power(S{scales[i]}) - factor * S{in[i]} * sums[c];
                });
                if (rectified) rectify_gradient(count, rectified + at + first, dx + at + first);
            });
        });
    }

private:
    static constexpr Index width = 128;
    static constexpr Index reach = 64;

    /// Calls f(first element of a position, first channel, channels) for stretches of at most
    /// `width` channels.
    template <class F>
    static void each_stretch(const LrnGeometry& g, const F& f) {
        const Index channels = g.shape.channels;
        const Index rows = g.batch * g.shape.area();
        parallel_for(rows, threads_for(rows * channels, max_threads()),
                     [&](Index begin, Index end, int) {
                         for (Index row = begin; row < end; ++row) {
                             for (Index first = 0; first < channels; first += width) {
                                 f(row * channels, first, std::min(width, channels - first));
                             }
                         }
                     });
    }

    /// Calls f with the function s -> s^-beta.
    template <class T, class F>
    static void with_power(double beta, const F& f) {
        if (beta == 0.75) {
            f([](T s) {
                const T root = inverse_root(s);
                return root * inverse_root(s * root);
            });
        } else {
            f([beta](T s) { return static_cast<T>(std::pow(s, static_cast<T>(-beta))); });
        }
    }

    /// sums[i] = sum of value(j) over j in first + i - before .. first + i + after, clipped to
    /// 0 .. channels - 1, for i in 0 .. count - 1.
    template <class T, class Value>
    static void add_windows(Index before, Index after, Index first, Index count, Index channels,
                            T* sums, const Value& value) {
        std::fill_n(sums, count, T{0});
        // At most `reach` members of every window at a time.
        for (Index from = first - before; from <= first + after; from += reach) {
            const Index members = std::min(reach, first + after + 1 - from);
            T part[width];
            T values[width + reach];  // of channels from, from + 1, ...; 0 where there is none
            const Index skip = std::clamp<Index>(-from, 0, count + members - 1);
            const Index stop = std::clamp<Index>(channels - from, skip, count + members - 1);
            std::fill_n(values, skip, T{0});
            std::fill(values + stop, values + count + members, T{0});
            compute_apart(stop - skip, values + skip,
                          [=](Index k) { return value(from + skip + k); });
            in_overlapping_pieces<32>(count, [&](Index at, auto length) {
                T sum[32] = {};
                for (Index d = 0; d < members; ++d) {
                    for (Index i = 0; i < length; ++i) sum[i] += values[at + d + i];
                }
                for (Index i = 0; i < length; ++i) part[at + i] = sum[i];
            });
            add_run(part, sums, count);
        }
    }
};

}  // namespace tessera::cpu
