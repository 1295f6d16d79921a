// SPDX-License-Identifier: MIT
// Maximum over a window, vectorised over the channels.
#pragma once

#include <cstdint>
#include <type_traits>

#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/pool_window.hpp"
#include "tessera/backend/cpu/rectify.hpp"

namespace tessera::cpu {

/// MaxPoolOp of backend/concept.hpp. A window that holds no input at all gives 0 with argmax -1.
struct MaxPool {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(const PoolGeometry& g, const T* x, T* y, std::int32_t* argmax) {
        const Index channels = g.input.channels;
        const auto compute = [&](Index at, Index image, Range rows, Range columns)
            __attribute__((always_inline)) {
            const T* pixels = x + image * g.input.size();
            const bool empty = rows.empty() || columns.empty();
            const Index start = rows.begin * g.input.width + columns.begin;
            const auto compute_lanes = [&](Index c, auto length) __attribute__((always_inline)) {
                Master<T> best[pool_lanes] = {};
                std::int32_t chosen[pool_lanes];
                for (Index k = 0; k < length; ++k) chosen[k] = -1;
                if (!empty) {
                    const T* values = pixels + start * channels + c;
                    for (Index k = 0; k < length; ++k) best[k] = values[k];
                    for (Index k = 0; k < length; ++k) chosen[k] = static_cast<std::int32_t>(start);
                }
                for (Index iy = rows.begin; iy < rows.end; ++iy) {
                    for (Index ix = columns.begin; ix < columns.end; ++ix) {
                        const Index position = iy * g.input.width + ix;
                        const T* values = pixels + position * channels + c;
                        for (Index k = 0; k < length; ++k) {
                            // False for NaN, which so wins, and then stays.
                            const Master<T> value = values[k];
                            const bool take = !(value <= best[k]) & (best[k] == best[k]);
                            best[k] = take ? value : best[k];
                            chosen[k] = take ? static_cast<std::int32_t>(position) : chosen[k];
                        }
                    }
                }
                const Index to = at * channels + c;
                for (Index k = 0; k < length; ++k) y[to + k] = static_cast<T>(best[k]);
                for (Index k = 0; argmax && k < length; ++k) argmax[to + k] = chosen[k];
            };
            in_overlapping_pieces<pool_lanes>(channels, compute_lanes);
        };
        each_window(g, compute);
    }

    /// Each input position collects from the windows that hold it.
    template <class T>
    static void backward(const PoolGeometry& g, const std::int32_t* argmax, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        const Index channels = g.input.channels;
        const auto compute = [&](Index at, Index image, Range rows, Range columns)
            __attribute__((always_inline)) {
            const auto position = static_cast<std::int32_t>(at - image * g.input.area());
            const auto compute_lanes = [&](Index c, auto length) __attribute__((always_inline)) {
                Master<T> sum[pool_lanes] = {};
                for (Index oy = rows.begin; oy < rows.end; ++oy) {
                    for (Index ox = columns.begin; ox < columns.end; ++ox) {
                        const Index window = image * g.output.area() + oy * g.output.width + ox;
                        const Index from = window * channels + c;
                        for (Index k = 0; k < length; ++k) {
                            const Master<T> gradient = dy[from + k];
                            sum[k] += argmax[from + k] == position ? gradient : Master<T>{0};
                        }
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
};

}  // namespace tessera::cpu
