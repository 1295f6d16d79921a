// SPDX-License-Identifier: MIT
// Maximum over a window, vectorised over the channels.
#pragma once

#include <algorithm>
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
        each_window(g, [&](Index at, Index image, Range rows, Range columns) {
            const T* pixels = x + image * g.input.size();
            const bool empty = rows.empty() || columns.empty();
            const Index start = rows.begin * g.input.width + columns.begin;
            in_overlapping_pieces<pool_lanes>(channels, [&](Index c, auto length) {
                Master<T> best[pool_lanes];
                std::int32_t chosen[pool_lanes];
                for (Index k = 0; k < length; ++k) {
                    best[k] = empty ? T{} : pixels[start * channels + c + k];
                    chosen[k] = empty ? -1 : static_cast<std::int32_t>(start);
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
                round_run<T>(best, length, y + at * channels + c);
                if (argmax) std::copy_n(chosen, length, argmax + at * channels + c);
            });
        });
    }

    /// Each input position collects from the windows that hold it.
    template <class T>
    static void backward(const PoolGeometry& g, const std::int32_t* argmax, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        const Index channels = g.input.channels;
        each_pixel(g, [&](Index at, Index image, Range rows, Range columns) {
            const auto position = static_cast<std::int32_t>(at % g.input.area());
            in_overlapping_pieces<pool_lanes>(channels, [&](Index c, auto length) {
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
                round_run<T>(sum, length, dx + to);
            });
        });
    }
};

}  // namespace tessera::cpu
