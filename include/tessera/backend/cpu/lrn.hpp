// SPDX-License-Identifier: MIT
// Response normalisation across channels, vectorised over the channels.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/geometry.hpp"

namespace tessera::cpu {

/// LrnOp of backend/concept.hpp. The window of channel i is i - size / 2 .. i + (size - 1) / 2.
struct Lrn {
    template <class T>
    static void forward(const LrnGeometry& g, const T* x, T* y, std::type_identity_t<T>* scale) {
        const Index channels = g.shape.channels;
        with_power<T>(g.beta, [&](auto power) {
            each_row(g, [&](Index at) {
                for (Index first = 0; first < channels; first += width) {
                    const Index count = std::min(width, channels - first);
                    T sums[width] = {};
                    add_windows(g.size / 2, (g.size - 1) / 2, first, count, channels, sums,
                                [&](Index j) { return x[at + j] * x[at + j]; });
                    T* __restrict to = y + at + first;
                    const T* __restrict from = x + at + first;
                    const T alpha = static_cast<T>(g.alpha), k = static_cast<T>(g.k);
                    in_pieces<16>(count, [&](Index i, auto length) {
                        for (Index c = i; c < i + length; ++c) {
                            sums[c] = k + alpha * sums[c];
                            to[c] = from[c] * power(sums[c]);
                        }
                    });
                    if (scale) copy_run(sums, scale + at + first, count);
                }
            });
        });
    }

    /// dx[i] = dy[i] * scale[i]^-beta
    ///         - 2 * alpha * beta * x[i] * sum over j whose window holds i of dy[j] y[j] / scale[j]
    template <class T>
    static void backward(const LrnGeometry& g, const T* x, const T* y, const T* scale, const T* dy,
                         T* dx) {
        if (!dx) return;
        const Index channels = g.shape.channels;
        with_power<T>(g.beta, [&](auto power) {
            each_row(g, [&](Index at) {
                for (Index first = 0; first < channels; first += width) {
                    const Index count = std::min(width, channels - first);
                    T sums[width] = {};
                    add_windows((g.size - 1) / 2, g.size / 2, first, count, channels, sums,
                                [&](Index j) { return dy[at + j] * y[at + j] / scale[at + j]; });
                    T* __restrict to = dx + at + first;
                    const T* __restrict in = x + at + first;
                    const T* __restrict out = dy + at + first;
                    const T* __restrict s = scale + at + first;
                    const T factor = static_cast<T>(2 * g.alpha * g.beta);
                    in_pieces<16>(count, [&](Index i, auto length) {
                        for (Index c = i; c < i + length; ++c) {
                            to[c] = out[c] * power(s[c]) - factor * in[c] * sums[c];
                        }
                    });
                }
            });
        });
    }

private:
    static constexpr Index width = 128;

    /// Calls f(at) with the first element of every position.
    template <class F>
    static void each_row(const LrnGeometry& g, const F& f) {
        const Index rows = g.batch * g.shape.area();
        parallel_for(rows, threads_for(rows * g.shape.channels, max_threads()),
                     [&](Index begin, Index end, int) {
                         for (Index row = begin; row < end; ++row) f(row * g.shape.channels);
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

    /// sums[i] += sum of value(j) over j in first + i - before .. first + i + after, clipped to
    /// 0 .. channels - 1, for i in 0 .. count - 1.
    template <class T, class Value>
    static void add_windows(Index before, Index after, Index first, Index count, Index channels,
                            T* __restrict sums, const Value& value) {
        const Index end = std::min(channels, first + count + after);
        for (Index j = std::max<Index>(0, first - before); j < end; j += width) {
            const Index have = std::min(width, end - j);
            T values[width];
            in_pieces<16>(have, [&](Index at, auto length) {
                for (Index k = 0; k < length; ++k) values[at + k] = value(j + at + k);
            });
            // Value j + k belongs to the sums of j + k - after .. j + k + before.
            for (Index shift = -after; shift <= before; ++shift) {
                const Index target = j + shift - first;
                const Index skip = std::max<Index>(0, -target);
                const Index stop = std::min(have, count - target);
                if (skip < stop) add_run(values + skip, sums + target + skip, stop - skip);
            }
        }
    }
};

}  // namespace tessera::cpu
