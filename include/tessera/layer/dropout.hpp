// SPDX-License-Identifier: MIT
// Dropout: forget at random while training.
#pragma once

#include <cstdint>

#include "tessera/layer/layer.hpp"

namespace tessera {

/// In training an element is zero with probability `Percent` / 100 and else multiplied by
/// 100 / (100 - Percent), so that inference is the identity. (Krizhevsky's form scales at test time
/// instead; these weights are those of that form times 1 - Percent / 100.) The mask depends on the
/// pass's stream, whose `epoch` is the step and whose `sample` is the layer, and on nothing else.
template <int Percent = 50>
struct Dropout : Layer {
    static_assert(Percent >= 0 && Percent < 100, "tessera: Dropout takes per cent, 0 to 99");

    static constexpr std::string_view kind = "dropout";
    static constexpr double rate = Percent / 100.0;
    static constexpr bool in_place = true;

    static constexpr double flops(Shape in) { return static_cast<double>(in.size()); }
    /// One byte per element.
    static constexpr Index saved_bytes(Shape in, Index) { return in.size(); }

    template <class Backend>
    static constexpr bool takes_relu_gradient = requires {
        Backend::Dropout::takes_relu_gradient;
    };
    template <class Backend, class T>
    static void forward(const ForwardPass<T>& pass) {
        Backend::Dropout::forward(pass.input.size(), rate * pass.dropout, pass.random,
                                  pass.input.data, pass.output.data,
                                  reinterpret_cast<std::uint8_t*>(pass.saved));
    }
    template <class Backend, class T>
    static void backward(const BackwardPass<T>& pass) {
        if (!pass.input_gradient) return;
        const auto run = [&](auto... rectified) {
            Backend::Dropout::backward(pass.output_gradient.size(), rate * pass.dropout,
                                       reinterpret_cast<const std::uint8_t*>(pass.saved),
                                       pass.output_gradient.data, pass.input_gradient.data,
                                       rectified...);
        };
        call_with<takes_relu_gradient<Backend>>(run, pass.rectified);
    }
};

}  // namespace tessera
