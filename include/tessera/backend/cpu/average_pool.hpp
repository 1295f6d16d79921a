// SPDX-License-Identifier: MIT
// Mean over the part of a window that lies inside the input, vectorised over the channels.
#pragma once

#include <type_traits>

#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/pool_window.hpp"
#include "tessera/backend/cpu/rectify.hpp"

namespace tessera::cpu {

/// AveragePoolOp of backend/concept.hpp. A window that holds no input at all gives 0.
struct AveragePool {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(const PoolGeometry& g, const T* x, T* y) {
        const Index channels = g.input.channels;
        const auto compute = [&](Index at, Index image, Range rows, Range columns)
            __attribute__((always_inline)) {
            const T* pixels = x + image * g.input.size();
            const Master<T> factor = share<Master<T>>(rows, columns);
            const auto compute_lanes = [&](Index c, auto length) __attribute__((always_inline)) {
                Master<T> sum[pool_lanes] = {};
                for (Index iy = rows.begin; iy < rows.end; ++iy) {
                    for (Index ix = columns.begin; ix < columns.end; ++ix) {
                        const T* values = pixels + (iy * g.input.width + ix) * channels + c;
                        for (Index k = 0; k < length; ++k) sum[k] += values[k];
                    }
                }
                const Index to = at * channels + c;
                for (Index k = 0; k < length; ++k) y[to + k] = static_cast<T>(sum[k] * factor);
            };
            in_overlapping_pieces<pool_lanes>(channels, compute_lanes);
        };
        each_window(g, compute);
    }

    /// Each input position collects from the windows that hold it.
    template <class T>
    static void backward(const PoolGeometry& g, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        const Index channels = g.input.channels;
        const auto compute = [&](Index at, Index image, Range rows, Range columns)
            __attribute__((always_inline)) {
            const auto compute_lanes = [&](Index c, auto length) __attribute__((always_inline)) {
                Master<T> sum[pool_lanes] = {};
                for (Index oy = rows.begin; oy < rows.end; ++oy) {
                    for (Index ox = columns.begin; ox < columns.end; ++ox) {
                        const Master<T> factor =
                            share<Master<T>>(rows_of(g).covered(oy), columns_of(g).covered(ox));
                        const Index window = image * g.output.area() + oy * g.output.width + ox;
                        const T* gradients = dy + window * channels + c;
                        for (Index k = 0; k < length; ++k) sum[k] += gradients[k] * factor;
                    }
                }
                const Index to = at * channels + c;
                if (rectified) rectify_gradient(length, rectified + to, sum);
                for (Index k = 0; k < length; ++k) dx[to + k] = static_cast<T>(sum[k]);
            };
            in_overlapping_pieces<pool_lanes>(channels, compute_lanes);
        };
        each_pixel(g, compute);
    }

private:
    /// One part of what lies inside a window; 0 when nothing does.
    template <class T>
    static constexpr T share(Range rows, Range columns) {
        const bool empty = rows.empty() || columns.empty();
        return empty ? T{0} : T{1} / static_cast<T>(rows.length() * columns.length());
    }
};

}  // namespace tessera::cpu
