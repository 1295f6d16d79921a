// SPDX-License-Identifier: MIT
// What a layer is: an empty type that answers constexpr questions from an input shape, and forwards
// to the backend's op. Derive from Layer and override what differs; the defaults describe a layer
// without parameters that keeps its input's shape.
#pragma once

#include <array>
#include <string_view>
#include <type_traits>

#include "tessera/backend/geometry.hpp"
#include "tessera/core/bfloat16.hpp"
#include "tessera/core/random.hpp"
#include "tessera/core/shape.hpp"
#include "tessera/core/view.hpp"

namespace tessera {

enum class Mode { inference, training };

/// Does a layer accept an input shape, and if not, why. The sentences are in net/diagnose.hpp.
enum class Fit {
    yes,
    window_exceeds_input,
    padding_reaches_window,
    groups_divide_input,
    groups_divide_filters,
    extent_is_dynamic,
    rejected,  ///< for layers outside the library
};

/// One parameter array. In files it has PyTorch's order (outputs, inputs, height, width); in memory
/// (groups, height, width, inputs, outputs / groups), so that a Linear over an image and the
/// convolution that covers the image are the same bytes.
struct ParameterInfo {
    std::string_view role = "weight";  ///< the last part of its name in a file
    int outputs = 0;
    int inputs = 1;  ///< per group
    int height = 1;
    int width = 1;
    int groups = 1;
    int rank = 1;  ///< in a file: 1 (outputs), 2 (outputs, inputs * height * width), 4

    constexpr Index count() const { return Index{outputs} * fan_in(); }
    /// Inputs that meet in one output.
    constexpr Index fan_in() const { return Index{inputs} * height * width; }
    constexpr bool is_bias() const { return role == "bias"; }
};

inline constexpr int max_parameters = 4;

/// The parameter arrays of a layer.
struct ParameterList {
    std::array<ParameterInfo, max_parameters> items{};
    int count = 0;

    constexpr void add(const ParameterInfo& info) {
        items[static_cast<std::size_t>(count++)] = info;
    }
    constexpr Index total() const {
        Index sum = 0;
        for (int i = 0; i < count; ++i) sum += items[static_cast<std::size_t>(i)].count();
        return sum;
    }
};

/// What a layer sees on the way forward.
template <class T>
struct ForwardPass {
    Mode mode = Mode::inference;
    View<const T> input;
    View<T> output;
    std::array<const T*, max_parameters> parameters{};
    std::byte* saved = nullptr;  ///< saved_bytes(...) per sample in training, null at inference
    Scratch scratch;
    Stream random;
    double dropout = 1;    ///< factor on the rates of dropout
    bool rectify = false;  ///< the ReLU behind the layer is its to do, see Layer::takes_relu
};

/// What a layer sees on the way back. Views whose need was not declared must not be read: their
/// memory may hold something else by then.
template <class T>
struct BackwardPass {
    View<const T> input;
    View<const T> output;
    View<const T> output_gradient;
    View<T> input_gradient;  ///< null when nobody asks for it
    std::array<const T*, max_parameters> parameters{};
    std::array<Master<T>*, max_parameters> parameter_gradients{};  ///< all null when frozen
    const std::byte* saved = nullptr;
    Scratch scratch;
    double dropout = 1;  ///< as on the way forward
    /// The input where the ReLU before the layer is its to do, else null, see
    /// Layer::takes_relu_gradient. Then the input may be read whatever the layer declares.
    const T* rectified = nullptr;
};

/// The defaults. A layer supplies at least `kind`, forward and backward:
///   template <class Backend, class T> static void forward(const ForwardPass<T>&);
///   template <class Backend, class T> static void backward(const BackwardPass<T>&);
struct Layer {
    static constexpr std::string_view name = "";  ///< set by Named
    static constexpr bool frozen = false;         ///< set by Frozen
    static constexpr bool tapped = false;         ///< set by Tapped

    static constexpr bool in_place = false;      ///< output may lie where the input lay
    static constexpr bool needs_input = false;   ///< backward reads the input
    static constexpr bool needs_output = false;  ///< backward reads the output

    static constexpr Fit fit(Shape) { return Fit::yes; }
    static constexpr Shape output(Shape input) { return input; }
    static constexpr ParameterList parameters(Shape) { return {}; }
    /// Floating-point operations per sample, a multiply and an add counted as two.
    static constexpr double flops(Shape) { return 0; }
    /// State kept from forward to backward, per sample.
    static constexpr Index saved_bytes(Shape, [[maybe_unused]] Index scalar_bytes) { return 0; }
    /// How an output position looks back at the input; the identity unless the layer moves a
    /// window.
    static constexpr SlidingWindow window(Shape) { return {}; }
    /// Whether forward() does a ReLU behind the layer as well when the pass says so: a pass over
    /// memory less where the backend's op can.
    template <class Backend>
    static constexpr bool takes_relu = false;
    /// Whether backward() also takes the gradient of a ReLU before the layer when the pass says so:
    /// the input's gradient is nought where the input, the ReLU's output, is not positive.
    template <class Backend>
    static constexpr bool takes_relu_gradient = false;
    /// Working memory of forward and backward together, whichever is larger.
    template <class Backend, class T>
    static std::size_t scratch_bytes(int, Shape, [[maybe_unused]] int threads) {
        return 0;
    }
};

/// call(argument) where an op has the argument, else call().
template <bool Has, class Call, class Argument>
void call_with(const Call& call, const Argument& argument) {
    if constexpr (Has) {
        call(argument);
    } else {
        call();
    }
}

template <class L>
concept IsLayer = std::is_base_of_v<Layer, L>;

}  // namespace tessera
