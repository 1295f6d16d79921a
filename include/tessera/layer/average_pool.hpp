// SPDX-License-Identifier: MIT
// AvgPool: the mean of a window.
#pragma once

#include "tessera/layer/window.hpp"

namespace tessera {

/// The mean over the part of each window that lies inside the image. The stride is the window's
/// size unless given. Options: Stride, Pad, KernelWidth, Ceil.
template <int Kernel, class... Options>
struct AvgPool : Layer {
    static constexpr std::string_view kind = "average_pool";
    static constexpr WindowOptions options = pooling_options<Options...>(Kernel);

    static constexpr Fit fit(Shape in) { return window_fit(in, options); }
    static constexpr Shape output(Shape in) { return window_output(in, in.channels, options); }
    static constexpr double flops(Shape in) {
        return static_cast<double>(output(in).size()) * options.height * options.width;
    }
    static constexpr SlidingWindow window(Shape) { return options.window(); }

    static constexpr PoolGeometry geometry(int batch, Shape in) {
        return {batch, in, output(in), options.window()};
    }
    template <class Backend>
    static constexpr bool takes_relu_gradient = requires {
        Backend::AveragePool::takes_relu_gradient;
    };
    template <class Backend, class T>
    static void forward(const ForwardPass<T>& pass) {
        Backend::AveragePool::forward(geometry(pass.input.batch, pass.input.shape), pass.input.data,
                                      pass.output.data);
    }
    template <class Backend, class T>
    static void backward(const BackwardPass<T>& pass) {
        if (!pass.input_gradient) return;
        const auto run = [&](auto... rectified) {
            Backend::AveragePool::backward(geometry(pass.input.batch, pass.input.shape),
                                           pass.output_gradient.data, pass.input_gradient.data,
                                           rectified...);
        };
        call_with<takes_relu_gradient<Backend>>(run, pass.rectified);
    }
};

}  // namespace tessera
