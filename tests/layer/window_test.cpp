// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "tessera/core/random.hpp"
#include "tessera/layer/window.hpp"

using namespace tessera;

namespace {

/// Counts the windows one by one.
int counted(int in, int window, const WindowOptions& options) {
    const int far = in + options.pad_after;
    int count = 0;
    for (int begin = -options.pad_before;; begin += options.stride, ++count) {
        const bool inside = begin + window <= far;
        const bool hangs_over = begin < in && begin + window < far + options.stride;
        if (!inside && !(options.rounding == Rounding::ceil && hangs_over)) return count;
    }
}

}  // namespace

TEST_CASE(
    "the extent is the number of windows that fit, and rounding up adds one that hangs over") {
    Random random({.purpose = Purpose::sample});
    for (int trial = 0; trial < 2000; ++trial) {
        auto below = [&](int count) { return static_cast<int>(random.below(count)); };
        WindowOptions options;
        options.height = options.width = 1 + below(6);
        options.stride = 1 + below(5);
        options.pad_before = below(options.height);
        options.pad_after = below(options.height);
        options.rounding = below(2) ? Rounding::ceil : Rounding::floor;
        const int in = 1 + below(20);
        if (window_fit({1, in, in}, options) != Fit::yes) continue;
        CAPTURE(in);
        CAPTURE(options.height);
        CAPTURE(options.stride);
        CAPTURE(options.pad_before);
        CAPTURE(options.pad_after);
        CAPTURE(static_cast<int>(options.rounding));
        REQUIRE(window_extent(in, options.height, options) == counted(in, options.height, options));
    }
}

TEST_CASE("a dynamic extent stays dynamic, a known one beside it is computed") {
    constexpr auto options = window_options<Stride<2>>(3, 1);
    CHECK(window_output({3, dynamic, 9}, 8, options) == Shape{8, dynamic, 4});
    CHECK(window_fit({3, dynamic, 9}, options) == Fit::yes);
    CHECK(window_fit({3, dynamic, 2}, options) == Fit::window_exceeds_input);
}
