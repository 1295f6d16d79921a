// SPDX-License-Identifier: MIT
// Mean over the part of a window that lies inside the input, vectorised over the channels.
#pragma once

#include <algorithm>
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
        each_window(g, [&](Index at, Index image, Range rows, Range columns) {
            const T* pixels = x + image * g.input.size();
            const Master<T> factor = share<Master<T>>(rows, columns);
            in_overlapping_pieces<pool_lanes>(channels, [&](Index c, auto length) {
                Master<T> sum[pool_lanes] = {};
                for (Index iy = rows.begin; iy < rows.end; ++iy) {
                    for (Index ix = columns.begin; ix < columns.end; ++ix) {
                        const T* values = pixels + (iy * g.input.width + ix) * channels + c;
                        for (Index k = 0; k < length; ++k) sum[k] += values[k];
                    }
                }
                for (Index k = 0; k < length; ++k) sum[k] *= factor;
                round_run<T>(sum, length, y + at * channels + c);
            });
        });
    }

    /// Each input position collects from the windows that hold it.
    template <class T>
    static void backward(const PoolGeometry& g, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        const Index channels = g.input.channels;
        each_pixel(g, [&](Index at, Index image, Range rows, Range columns) {
            in_overlapping_pieces<pool_lanes>(channels, [&](Index c, auto length) {
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
                round_run<T>(sum, length, dx + to);
            });
        });
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
