// SPDX-License-Identifier: MIT
// MaxPool and GlobalMaxPool: the largest value of a window.
#pragma once

#include <cstdint>

#include "tessera/layer/window.hpp"

namespace tessera {

namespace detail {
/// What both poolings do; `Derived` says which window and which output.
template <class Derived>
struct MaxPooling : Layer {
    static constexpr double flops(Shape in) {
        const SlidingWindow window = Derived::window(in);
        return static_cast<double>(Derived::output(in).size()) * window.height * window.width;
    }
    /// The position of each maximum.
    static constexpr Index saved_bytes(Shape in, Index) {
        return Derived::output(in).size() * static_cast<Index>(sizeof(std::int32_t));
    }
    static constexpr PoolGeometry geometry(int batch, Shape in) {
        return {batch, in, Derived::output(in), Derived::window(in)};
    }
    template <class Backend>
    static constexpr bool takes_relu_gradient = requires {
        Backend::MaxPool::takes_relu_gradient;
    };
    template <class Backend, class T>
    static void forward(const ForwardPass<T>& pass) {
        Backend::MaxPool::forward(geometry(pass.input.batch, pass.input.shape), pass.input.data,
                                  pass.output.data, reinterpret_cast<std::int32_t*>(pass.saved));
    }
    template <class Backend, class T>
    static void backward(const BackwardPass<T>& pass) {
        if (!pass.input_gradient) return;
        const auto run = [&](auto... rectified) {
            Backend::MaxPool::backward(geometry(pass.input.batch, pass.input.shape),
                                       reinterpret_cast<const std::int32_t*>(pass.saved),
                                       pass.output_gradient.data, pass.input_gradient.data,
                                       rectified...);
        };
        call_with<takes_relu_gradient<Backend>>(run, pass.rectified);
    }
};
}  // namespace detail

/// The maximum of each window; the gradient goes to the first one in row order. The stride is the
/// window's size unless given. Options: Stride, Pad, KernelWidth, Ceil.
template <int Kernel, class... Options>
struct MaxPool : detail::MaxPooling<MaxPool<Kernel, Options...>> {
    static constexpr std::string_view kind = "max_pool";
    static constexpr WindowOptions options = pooling_options<Options...>(Kernel);

    static constexpr Fit fit(Shape in) { return window_fit(in, options); }
    static constexpr Shape output(Shape in) { return window_output(in, in.channels, options); }
    static constexpr SlidingWindow window(Shape) { return options.window(); }
};

/// The maximum of each channel over the whole image: (C, H, W) to (C, 1, 1), H and W perhaps
/// dynamic.
struct GlobalMaxPool : detail::MaxPooling<GlobalMaxPool> {
    static constexpr std::string_view kind = "global_max_pool";

    static constexpr Shape output(Shape in) { return {in.channels, 1, 1}; }
    static constexpr SlidingWindow window(Shape in) { return {in.height, in.width, 1, 0, 0}; }
};

}  // namespace tessera
