// SPDX-License-Identifier: MIT
// Conv: convolution with stride, padding and groups.
#pragma once

#include "tessera/layer/window.hpp"

namespace tessera {

/// Filters square windows of `Kernel` x `Kernel`: Conv<96, 11, Stride<4>, Pad<0, 3>>.
/// Options: Stride, Pad, Groups, KernelWidth, Ceil, NoBias.
///   input (C, H, W), weight (Filters, C / groups, Kernel, Kernel), bias (Filters),
///   output (Filters, 1 + (H + pads - Kernel) / stride, likewise W)
template <int Filters, int Kernel, class... Options>
struct Conv : Layer {
    static_assert(Filters > 0 && Kernel > 0, "tessera: Conv needs at least one filter and pixel");

    static constexpr std::string_view kind = "conv";
    static constexpr WindowOptions options = window_options<Options...>(Kernel, 1);
    static constexpr bool needs_input = true;

    static constexpr Fit fit(Shape in) {
        if (in.channels % options.groups != 0) return Fit::groups_divide_input;
        if (Filters % options.groups != 0) return Fit::groups_divide_filters;
        return window_fit(in, options);
    }
    static constexpr Shape output(Shape in) { return window_output(in, Filters, options); }
    static constexpr ParameterList parameters(Shape in) {
        ParameterList list;
        list.add({.role = "weight",
                  .outputs = Filters,
                  .inputs = in.channels / options.groups,
                  .height = options.height,
                  .width = options.width,
                  .groups = options.groups,
                  .rank = 4});
        if (options.bias) list.add({.role = "bias", .outputs = Filters});
        return list;
    }
    static constexpr double flops(Shape in) {
        const Shape out = output(in);
        return 2.0 * static_cast<double>(parameters(in).items[0].count()) *
                   static_cast<double>(out.area()) +
               (options.bias ? static_cast<double>(out.size()) : 0.0);
    }
    static constexpr SlidingWindow window(Shape) { return options.window(); }

    static constexpr ConvGeometry geometry(int batch, Shape in) {
        return {batch, in, output(in), options.window(), options.groups};
    }
    template <class Backend>
    static constexpr bool takes_relu = requires {
        Backend::Conv::takes_relu;
    };
    template <class Backend>
    static constexpr bool takes_relu_gradient = requires {
        Backend::Conv::takes_relu_gradient;
    };
    template <class Backend, class T>
    static std::size_t scratch_bytes(int batch, Shape in, int threads) {
        return Backend::Conv::template scratch_bytes<T>(geometry(batch, in), threads);
    }
    template <class Backend, class T>
    static void forward(const ForwardPass<T>& pass) {
        const auto run = [&](auto... rectify) {
            Backend::Conv::forward(geometry(pass.input.batch, pass.input.shape), pass.input.data,
                                   pass.parameters[0], pass.parameters[1], pass.output.data,
                                   pass.scratch, rectify...);
        };
        call_with<takes_relu<Backend>>(run, pass.rectify);
    }
    template <class Backend, class T>
    static void backward(const BackwardPass<T>& pass) {
        const ConvGeometry g = geometry(pass.input.batch, pass.input.shape);
        if (pass.parameter_gradients[0]) {
            Backend::Conv::backward_parameters(g, pass.input.data, pass.output_gradient.data,
                                               pass.parameter_gradients[0],
                                               pass.parameter_gradients[1], pass.scratch);
        }
        if (!pass.input_gradient) return;
        const auto run = [&](auto... rectified) {
            Backend::Conv::backward_data(g, pass.parameters[0], pass.output_gradient.data,
                                         pass.input_gradient.data, pass.scratch, rectified...);
        };
        call_with<takes_relu_gradient<Backend>>(run, pass.rectified);
    }
};

}  // namespace tessera
