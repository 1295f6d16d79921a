// SPDX-License-Identifier: MIT
// Linear: every output looks at every input.
#pragma once

#include "tessera/layer/layer.hpp"

namespace tessera {

/// y = W x + b over the flattened input.
///   input (C, H, W) known, weight (Outputs, C * H * W) in PyTorch's order, bias (Outputs)
template <int Outputs>
struct Linear : Layer {
    static_assert(Outputs > 0, "tessera: Linear needs at least one output");

    static constexpr std::string_view kind = "linear";
    static constexpr int outputs = Outputs;
    static constexpr bool needs_input = true;

    static constexpr Fit fit(Shape in) { return in.known() ? Fit::yes : Fit::extent_is_dynamic; }
    static constexpr Shape output(Shape) { return {Outputs, 1, 1}; }
    static constexpr ParameterList parameters(Shape in) {
        ParameterList list;
        list.add({.role = "weight",
                  .outputs = Outputs,
                  .inputs = in.channels,
                  .height = in.height,
                  .width = in.width,
                  .rank = 2});
        list.add({.role = "bias", .outputs = Outputs});
        return list;
    }
    static constexpr double flops(Shape in) {
        return (2.0 * static_cast<double>(in.size()) + 1) * Outputs;
    }
    /// One position that sees the whole input.
    static constexpr SlidingWindow window(Shape in) { return {in.height, in.width, 1, 0, 0}; }

    static constexpr LinearGeometry geometry(int batch, Shape in) {
        return {batch, in.size(), Outputs};
    }
    template <class Backend>
    static constexpr bool takes_relu = requires {
        Backend::Linear::takes_relu;
    };
    template <class Backend, class T>
    static std::size_t scratch_bytes(int batch, Shape in, int threads) {
        return Backend::Linear::template scratch_bytes<T>(geometry(batch, in), threads);
    }
    template <class Backend, class T>
    static void forward(const ForwardPass<T>& pass) {
        const auto run = [&](auto... rectify) {
            Backend::Linear::forward(geometry(pass.input.batch, pass.input.shape), pass.input.data,
                                     pass.parameters[0], pass.parameters[1], pass.output.data,
                                     pass.scratch, rectify...);
        };
        call_with<takes_relu<Backend>>(run, pass.rectify);
    }
    template <class Backend, class T>
    static void backward(const BackwardPass<T>& pass) {
        const LinearGeometry g = geometry(pass.input.batch, pass.input.shape);
        if (pass.parameter_gradients[0]) {
            Backend::Linear::backward_parameters(g, pass.input.data, pass.output_gradient.data,
                                                 pass.parameter_gradients[0],
                                                 pass.parameter_gradients[1], pass.scratch);
        }
        if (pass.input_gradient) {
            Backend::Linear::backward_data(g, pass.parameters[0], pass.output_gradient.data,
                                           pass.input_gradient.data, pass.scratch);
        }
    }
};

}  // namespace tessera
