// SPDX-License-Identifier: MIT
// ReLU: y = max(x, 0).
#pragma once

#include "tessera/layer/layer.hpp"

namespace tessera {

/// y = max(x, 0); dx = dy where y > 0, else 0. In place.
struct ReLU : Layer {
    static constexpr std::string_view kind = "relu";
    static constexpr bool in_place = true;
    static constexpr bool needs_output = true;

    static constexpr double flops(Shape in) { return static_cast<double>(in.size()); }

    template <class Backend, class T>
    static void forward(const ForwardPass<T>& pass) {
        Backend::Relu::forward(pass.input.size(), pass.input.data, pass.output.data);
    }
    template <class Backend, class T>
    static void backward(const BackwardPass<T>& pass) {
        if (!pass.input_gradient) return;
        Backend::Relu::backward(pass.output.size(), pass.output.data, pass.output_gradient.data,
                                pass.input_gradient.data);
    }
};

}  // namespace tessera
