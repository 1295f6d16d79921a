// SPDX-License-Identifier: MIT
// Maximum over a window, channel by channel.
#pragma once

#include <cstdint>

#include "tessera/backend/geometry.hpp"

namespace tessera::reference {

/// MaxPoolOp of backend/concept.hpp. A window that holds no input at all gives 0 with argmax -1.
struct MaxPool {
    template <class T>
    static void forward(const PoolGeometry& g, const T* x, T* y, std::int32_t* argmax) {
        const Index channels = g.input.channels;
        for (Index row = 0; row < g.batch * g.output.area(); ++row) {
            const Index left = row % g.output.width * g.window.stride - g.window.pad_left;
            const Index top =
                row / g.output.width % g.output.height * g.window.stride - g.window.pad_top;
            const T* image = x + row / g.output.area() * g.input.size();
            for (Index c = 0; c < channels; ++c) {
                T best = 0;
                std::int32_t chosen = -1;
                for (Index iy = top; iy < top + g.window.height; ++iy) {
                    for (Index ix = left; ix < left + g.window.width; ++ix) {
                        if (iy < 0 || iy >= g.input.height || ix < 0 || ix >= g.input.width)
                            continue;
                        const Index position = iy * g.input.width + ix;
                        const T value = image[position * channels + c];
                        // The comparison is false for NaN, which so wins, and then stays.
                        if (chosen < 0 || (best == best && !(value <= best))) {
                            best = value;
                            chosen = static_cast<std::int32_t>(position);
                        }
                    }
                }
                y[row * channels + c] = best;
                if (argmax) argmax[row * channels + c] = chosen;
            }
        }
    }

    template <class T>
    static void backward(const PoolGeometry& g, const std::int32_t* argmax, const T* dy, T* dx) {
        if (!dx) return;
        for (Index i = 0; i < g.batch * g.input.size(); ++i) dx[i] = 0;
        for (Index i = 0; i < g.batch * g.output.size(); ++i) {
            if (argmax[i] < 0) continue;
            const Index image = i / g.output.size() * g.input.size();
            dx[image + argmax[i] * Index{g.input.channels} + i % g.input.channels] += dy[i];
        }
    }
};

}  // namespace tessera::reference
