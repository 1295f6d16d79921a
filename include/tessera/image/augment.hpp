// SPDX-License-Identifier: MIT
// Where crops lie: random ones for training, fixed ones for testing.
#pragma once

#include <array>
#include <cstdint>

#include "tessera/core/box.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/random.hpp"
#include "tessera/image/crop.hpp"

namespace tessera {

/// Which crop of which sample: the same key gives the same crop, on any thread and in any order.
struct AugmentKey {
    std::uint64_t seed = 0;
    std::uint32_t epoch = 0;
    std::uint32_t sample = 0;
};

namespace detail {

inline void check_crop(const Extent& image, const Extent& crop) {
    require(crop.width > 0 && crop.height > 0 && crop.width <= image.width &&
                crop.height <= image.height,
            "a crop of ", crop.width, " x ", crop.height, " does not fit in an image of ",
            image.width, " x ", image.height);
}

}  // namespace detail

/// The middle; the odd pixel goes to the right and the bottom.
inline Window centre_window(const Extent& image, const Extent& crop) {
    detail::check_crop(image, crop);
    return {(image.width - crop.width) / 2, (image.height - crop.height) / 2, false};
}

/// Any position with equal chance, turned left to right every second time (Krizhevsky et al. 2012,
/// section 4.1). Throws Error when the crop is larger than the image.
inline Window random_window(const Extent& image, const Extent& crop, const AugmentKey& key,
                            bool may_mirror = true) {
    detail::check_crop(image, crop);
    Random random(
        {.seed = key.seed, .purpose = Purpose::augment, .epoch = key.epoch, .sample = key.sample});
    Window window;
    window.left = static_cast<int>(random.below(std::uint32_t(image.width - crop.width + 1)));
    window.top = static_cast<int>(random.below(std::uint32_t(image.height - crop.height + 1)));
    window.mirrored = random.chance(0.5F) && may_mirror;
    return window;
}

/// A part of the image with the image's proportions, at any position, its sides `smallest` to 1
/// times the image's with equal chance: to be resized to the whole's extent before a window is
/// taken. Shows a network its objects larger, and coarser, than they were taken.
/// Throws Error unless smallest is in (0, 1].
inline Box random_zoom(const Extent& image, double smallest, const AugmentKey& key) {
    require(smallest > 0 && smallest <= 1, "random_zoom: found ", smallest,
            " as smallest side, expected a fraction in (0, 1]");
    Random random(
        {.seed = key.seed, .purpose = Purpose::zoom, .epoch = key.epoch, .sample = key.sample});
    const double side = 1 - (1 - smallest) * double(random.uniform());
    const double left = (1 - side) * double(random.uniform()) * image.width;
    const double top = (1 - side) * double(random.uniform()) * image.height;
    return {left, top, left + side * image.width, top + side * image.height};
}

/// Krizhevsky's ten test crops: top left, top right, centre, bottom left, bottom right, then the
/// same five turned left to right.
inline std::array<Window, 10> ten_windows(const Extent& image, const Extent& crop) {
    const Window centre = centre_window(image, crop);
    const int right = image.width - crop.width;
    const int bottom = image.height - crop.height;
    std::array<Window, 10> windows{Window{0, 0}, {right, 0}, centre, {0, bottom}, {right, bottom}};
    for (std::size_t i = 0; i < 5; ++i) {
        windows[i + 5] = windows[i];
        windows[i + 5].mirrored = true;
    }
    return windows;
}

/// The window of an image turned left to right that shows what `window` shows of the image,
/// turned: a crop of mirror(image) without making it.
inline Window reflected(const Window& window, const Extent& image, const Extent& crop) {
    return {image.width - crop.width - window.left, window.top, !window.mirrored};
}

}  // namespace tessera
