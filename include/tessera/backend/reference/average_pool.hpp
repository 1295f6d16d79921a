// SPDX-License-Identifier: MIT
// Mean over the part of a window that lies inside the input, channel by channel.
#pragma once

#include <type_traits>

#include "tessera/backend/geometry.hpp"

namespace tessera::reference {

/// AveragePoolOp of backend/concept.hpp. A window that holds no input at all gives 0.
struct AveragePool {
    template <class T>
    static void forward(const PoolGeometry& g, const T* x, T* y) {
        const Index channels = g.input.channels;
        for (Index i = 0; i < g.batch * g.output.size(); ++i) {
            std::common_type_t<T, double> sum = 0;
            const Index count = each_input(
                g, i / channels, [&](Index pixel) { sum += x[pixel * channels + i % channels]; });
            y[i] = static_cast<T>(count > 0 ? sum / static_cast<double>(count) : 0);
        }
    }

    template <class T>
    static void backward(const PoolGeometry& g, const T* dy, T* dx) {
        if (!dx) return;
        const Index channels = g.input.channels;
        for (Index i = 0; i < g.batch * g.input.size(); ++i) dx[i] = 0;
        for (Index i = 0; i < g.batch * g.output.size(); ++i) {
            const Index count = each_input(g, i / channels, [](Index) {});
            each_input(g, i / channels, [&](Index pixel) {
                dx[pixel * channels + i % channels] += dy[i] / static_cast<T>(count);
            });
        }
    }

private:
    /// Calls visit(position in batch * height * width of the input) for each position in the window
    /// of output position `row`; returns how many there are.
    template <class Visit>
    static Index each_input(const PoolGeometry& g, Index row, const Visit& visit) {
        const Index left = row % g.output.width * g.window.stride - g.window.pad_left;
        const Index top =
            row / g.output.width % g.output.height * g.window.stride - g.window.pad_top;
        const Index image = row / g.output.area() * g.input.area();
        Index count = 0;
        for (Index iy = top; iy < top + g.window.height; ++iy) {
            for (Index ix = left; ix < left + g.window.width; ++ix) {
                if (iy < 0 || iy >= g.input.height || ix < 0 || ix >= g.input.width) continue;
                visit(image + iy * g.input.width + ix);
                ++count;
            }
        }
        return count;
    }
};

}  // namespace tessera::reference
