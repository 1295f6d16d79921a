// SPDX-License-Identifier: MIT
// Lrn: response normalisation across channels (Krizhevsky, Sutskever, Hinton, NIPS 2012,
// section 3.3).
#pragma once

#include "tessera/layer/layer.hpp"

namespace tessera {

/// The collected options of Lrn. Fractions, because clang 14 takes no floating-point template
/// argument.
struct LrnOptions {
    int size = 5;
    double alpha = 1e-4;
    double beta = 0.75;
    double k = 2;
    bool divided = true;
};

/// Channels in the window, odd.
template <int Count>
struct Size {
    static_assert(Count > 0 && Count % 2 == 1, "tessera: an Lrn window has an odd size");
    static constexpr void apply(LrnOptions& options) { options.size = Count; }
};
/// Alpha<1, 10'000> is 1e-4.
template <long Numerator, long Denominator = 1>
struct Alpha {
    static constexpr void apply(LrnOptions& options) {
        options.alpha = static_cast<double>(Numerator) / static_cast<double>(Denominator);
    }
};
template <long Numerator, long Denominator = 1>
struct Beta {
    static constexpr void apply(LrnOptions& options) {
        options.beta = static_cast<double>(Numerator) / static_cast<double>(Denominator);
    }
};
template <long Numerator, long Denominator = 1>
struct K {
    static constexpr void apply(LrnOptions& options) {
        options.k = static_cast<double>(Numerator) / static_cast<double>(Denominator);
    }
};
/// Alpha as the paper's formula has it, not divided by the window's size as every code base does.
struct AlphaUndivided {
    static constexpr void apply(LrnOptions& options) { options.divided = false; }
};

/// y[i] = x[i] / (k + alpha / size * sum over the window of x[j]^2)^beta, the window centred on
/// channel i and clipped at both ends. Lrn<> is the 2012 network's: size 5, alpha 1e-4, beta 3/4,
/// k 2. Options: Size, Alpha, Beta, K, AlphaUndivided.
template <class... Options>
struct Lrn : Layer {
    static constexpr std::string_view kind = "lrn";
    static constexpr LrnOptions options = [] {
        LrnOptions collected;
        (Options::apply(collected), ...);
        return collected;
    }();
    static constexpr bool needs_input = true;
    static constexpr bool needs_output = true;

    /// A square and a sum per window member, a power counted as ten.
    static constexpr double flops(Shape in) {
        return (2.0 * options.size + 13) * static_cast<double>(in.size());
    }
    /// The scale, one number per element.
    static constexpr Index saved_bytes(Shape in, Index scalar_bytes) {
        return in.size() * scalar_bytes;
    }

    static constexpr LrnGeometry geometry(int batch, Shape in) {
        const double alpha = options.divided ? options.alpha / options.size : options.alpha;
        return {batch, in, options.size, alpha, options.beta, options.k};
    }
    template <class Backend>
    static constexpr bool takes_relu_gradient = requires {
        Backend::Lrn::takes_relu_gradient;
    };
    template <class Backend, class T>
    static void forward(const ForwardPass<T>& pass) {
        Backend::Lrn::forward(geometry(pass.input.batch, pass.input.shape), pass.input.data,
                              pass.output.data, reinterpret_cast<T*>(pass.saved));
    }
    template <class Backend, class T>
    static void backward(const BackwardPass<T>& pass) {
        if (!pass.input_gradient) return;
        const auto run = [&](auto... rectified) {
            Backend::Lrn::backward(geometry(pass.input.batch, pass.input.shape), pass.input.data,
                                   pass.output.data, reinterpret_cast<const T*>(pass.saved),
                                   pass.output_gradient.data, pass.input_gradient.data,
                                   rectified...);
        };
        call_with<takes_relu_gradient<Backend>>(run, pass.rectified);
    }
};

}  // namespace tessera
