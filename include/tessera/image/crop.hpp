// SPDX-License-Identifier: MIT
// Windows of an image: crop, mirror, and pixels beyond the border.
#pragma once

#include <algorithm>

#include "tessera/core/error.hpp"
#include "tessera/image/image.hpp"

namespace tessera {

/// Width and height in pixels.
struct Extent {
    int width = 0;
    int height = 0;

    friend constexpr bool operator==(const Extent&, const Extent&) = default;
};

/// Where a crop lies in its image, in pixels, and whether it is then turned left to right.
struct Window {
    int left = 0;
    int top = 0;
    bool mirrored = false;

    friend constexpr bool operator==(const Window&, const Window&) = default;
};

/// The pixel that stands at `position` when the `count` pixels of an axis are continued by their
/// mirror image on both sides: ... 1 0 | 0 1 2 ... requires count > 0.
constexpr int mirrored_position(int position, int count) {
    if (0 <= position && position < count) return position;
    const int period = 2 * count;
    const int phase = ((position % period) + period) % period;
    return phase < count ? phase : period - 1 - phase;
}

/// `extent` pixels from `window`; a window may leave the image, which is continued by its mirror
/// image (Oquab et al. 2014, section 4, on patches around persons).
inline Image crop(const Image& source, const Window& window, const Extent& extent) {
    require(!source.empty(), "crop: the image is empty");
    require(extent.width > 0 && extent.height > 0, "crop: the extent is ", extent.width, " x ",
            extent.height, ", expected at least one pixel");
    Image target(extent.width, extent.height, source.channels);
    const int channels = source.channels;
    for (int y = 0; y < extent.height; ++y) {
        const std::uint8_t* from = source.row(mirrored_position(window.top + y, source.height));
        std::uint8_t* to = target.row(y);
        for (int x = 0; x < extent.width; ++x, to += channels) {
            const int column = window.mirrored ? extent.width - 1 - x : x;
            const int position = mirrored_position(window.left + column, source.width);
            std::copy_n(from + position * channels, channels, to);
        }
    }
    return target;
}

/// The image turned left to right.
inline Image mirror(const Image& source) {
    return crop(source, {.mirrored = true}, {source.width, source.height});
}

}  // namespace tessera
