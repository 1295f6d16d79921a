// SPDX-License-Identifier: MIT
// Softmax: scores to probabilities.
#pragma once

#include "tessera/layer/layer.hpp"

namespace tessera {

/// y[c] = exp(x[c]) / sum over channels of exp(x[j]), at each position. A Trainer with the softmax
/// cross-entropy takes the scores before a final Softmax and leaves this layer out.
struct Softmax : Layer {
    static constexpr std::string_view kind = "softmax";
    static constexpr bool needs_output = true;

    /// An exponential counted as ten, a subtraction, a sum and a division.
    static constexpr double flops(Shape in) { return 13.0 * static_cast<double>(in.size()); }

    template <class Backend, class T>
    static void forward(const ForwardPass<T>& pass) {
        Backend::Softmax::forward(pass.input.batch * pass.input.shape.area(),
                                  pass.input.shape.channels, pass.input.data, pass.output.data);
    }
    template <class Backend, class T>
    static void backward(const BackwardPass<T>& pass) {
        if (!pass.input_gradient) return;
        Backend::Softmax::backward(pass.output.batch * pass.output.shape.area(),
                                   pass.output.shape.channels, pass.output.data,
                                   pass.output_gradient.data, pass.input_gradient.data);
    }
};

}  // namespace tessera
