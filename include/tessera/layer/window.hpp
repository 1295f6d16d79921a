// SPDX-License-Identifier: MIT
// Moving windows: the options Conv and the pooling layers share, and the one formula for the extent
// of what comes out.
#pragma once

#include "tessera/backend/geometry.hpp"
#include "tessera/layer/layer.hpp"

namespace tessera {

/// Whether a window may hang over the far edge: Caffe, PyTorch and the paper's convolutions differ.
enum class Rounding { floor, ceil };

/// The collected options of a layer that moves a window.
struct WindowOptions {
    int height = 1;
    int width = 1;
    int stride = 1;
    int pad_before = 0;  ///< rows above and columns to the left
    int pad_after = 0;   ///< rows below and columns to the right
    int groups = 1;
    Rounding rounding = Rounding::floor;
    bool bias = true;

    constexpr SlidingWindow window() const {
        return {height, width, stride, pad_before, pad_before};
    }
};

template <int Step>
struct Stride {
    static_assert(Step > 0, "tessera: a stride is at least 1");
    static constexpr void apply(WindowOptions& options) { options.stride = Step; }
};

/// Zeros around the image; Pad<0, 3> adds none above and left, three below and right.
template <int Before, int After = Before>
struct Pad {
    static_assert(Before >= 0 && After >= 0, "tessera: padding is not negative");
    static constexpr void apply(WindowOptions& options) {
        options.pad_before = Before;
        options.pad_after = After;
    }
};

template <int Count>
struct Groups {
    static_assert(Count > 0, "tessera: there is at least one group");
    static constexpr void apply(WindowOptions& options) { options.groups = Count; }
};

/// A width that differs from the height given first.
template <int Columns>
struct KernelWidth {
    static_assert(Columns > 0, "tessera: a window is at least 1 wide");
    static constexpr void apply(WindowOptions& options) { options.width = Columns; }
};

/// Rounds the output extent up: the last window may reach beyond the far edge.
struct Ceil {
    static constexpr void apply(WindowOptions& options) { options.rounding = Rounding::ceil; }
};

struct NoBias {
    static constexpr void apply(WindowOptions& options) { options.bias = false; }
};

template <class Option>
concept IsWindowOption = requires(WindowOptions& options) {
    Option::apply(options);
};

template <class... Options>
constexpr WindowOptions window_options(int kernel, int stride) {
    constexpr bool known = (IsWindowOption<Options> && ...);
    static_assert(known,
                  "tessera: options here are Stride, Pad, Groups, KernelWidth, Ceil, NoBias");
    WindowOptions options{.height = kernel, .width = kernel, .stride = stride};
    if constexpr (known) (Options::apply(options), ...);
    return options;
}

/// The same for a pooling, whose window is also its stride unless given, and which has neither
/// groups nor a bias.
template <class... Options>
constexpr WindowOptions pooling_options(int kernel) {
    constexpr WindowOptions options = window_options<Options...>(1, 1);
    static_assert(options.groups == 1 && options.bias,
                  "tessera: options of a pooling are Stride, Pad, KernelWidth, Ceil");
    return window_options<Options...>(kernel, kernel);
}

/// 1 + (in + pads - window) / stride, rounded down or up. When rounded up the last window still
/// starts inside the image or the padding before it.
constexpr int window_extent(int in, int window, const WindowOptions& options) {
    if (in == dynamic) return dynamic;
    const int span = in + options.pad_before + options.pad_after - window;
    if (options.rounding == Rounding::floor) return span / options.stride + 1;
    const int out = (span + options.stride - 1) / options.stride + 1;
    return (out - 1) * options.stride >= in + options.pad_before ? out - 1 : out;
}

constexpr Shape window_output(Shape in, int channels, const WindowOptions& options) {
    return {channels, window_extent(in.height, options.height, options),
            window_extent(in.width, options.width, options)};
}

constexpr Fit window_fit(Shape in, const WindowOptions& options) {
    const int pads = options.pad_before + options.pad_after;
    auto misses = [&](int extent, int window) {
        return extent != dynamic && extent + pads < window;
    };
    if (misses(in.height, options.height) || misses(in.width, options.width)) {
        return Fit::window_exceeds_input;
    }
    const int smallest = options.height < options.width ? options.height : options.width;
    if (options.pad_before >= smallest || options.pad_after >= smallest) {
        return Fit::padding_reaches_window;
    }
    return Fit::yes;
}

}  // namespace tessera
