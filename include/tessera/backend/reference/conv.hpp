// SPDX-License-Identifier: MIT
// Convolution as its formula: the oracle of the other backends.
#pragma once

#include <type_traits>

#include "tessera/backend/geometry.hpp"

namespace tessera::reference {

/// ConvOp of backend/concept.hpp.
struct Conv {
    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry&, int) {
        return 0;
    }

    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch&) {
        const Index rows = g.batch * g.output.area();
        for (Index i = 0; i < rows * g.output.channels; ++i) {
            const Index f = i % g.output.channels;
            std::common_type_t<T, double> sum = bias ? bias[f] : 0;
            each_term(g, i / g.output.channels, f, [&](Index from, Index weight) {
                sum += x[from] * double{1} * weights[weight];
            });
            y[i] = static_cast<T>(sum);
        }
    }

    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch&) {
        if (!dx) return;
        for (Index i = 0; i < g.batch * g.input.size(); ++i) dx[i] = 0;
        const Index rows = g.batch * g.output.area();
        for (Index i = 0; i < rows * g.output.channels; ++i) {
            each_term(g, i / g.output.channels, i % g.output.channels,
                      [&](Index from, Index weight) { dx[from] += dy[i] * weights[weight]; });
        }
    }

    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy, T* dweights,
                                    std::type_identity_t<T>* dbias, const Scratch&) {
        const Index rows = g.batch * g.output.area();
        for (Index i = 0; i < rows * g.output.channels; ++i) {
            const Index f = i % g.output.channels;
            if (dbias) dbias[f] += dy[i];
            each_term(g, i / g.output.channels, f,
                      [&](Index from, Index weight) { dweights[weight] += x[from] * dy[i]; });
        }
    }

private:
    /// Calls visit(index into the input, index into the weights) for every product that makes up
    /// output channel f at output position `row` of batch * height * width.
    template <class Visit>
    static void each_term(const ConvGeometry& g, Index row, Index f, const Visit& visit) {
        const Index ox = row % g.output.width;
        const Index oy = row / g.output.width % g.output.height;
        const Index n = row / g.output.area();
        const Index channels = g.input.channels / g.groups;
        const Index filters = g.filters();
        const Index group = f / filters;
        for (Index ky = 0; ky < g.window.height; ++ky) {
            for (Index kx = 0; kx < g.window.width; ++kx) {
                const Index iy = oy * g.window.stride + ky - g.window.pad_top;
                const Index ix = ox * g.window.stride + kx - g.window.pad_left;
                if (iy < 0 || iy >= g.input.height || ix < 0 || ix >= g.input.width) continue;
                const Index pixel = (n * g.input.height + iy) * g.input.width + ix;
                const Index tap = (group * g.window.height + ky) * g.window.width + kx;
                for (Index c = 0; c < channels; ++c) {
                    visit(pixel * g.input.channels + group * channels + c,
                          (tap * channels + c) * filters + f % filters);
                }
            }
        }
    }
};

}  // namespace tessera::reference
