// SPDX-License-Identifier: MIT
// Drawing for reports: rectangles, heat maps over photographs, grids of pictures.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>

#include "tessera/core/box.hpp"
#include "tessera/core/error.hpp"
#include "tessera/image/image.hpp"
#include "tessera/image/map.hpp"
#include "tessera/image/resize.hpp"

namespace tessera {

struct Colour {
    std::uint8_t red = 0;
    std::uint8_t green = 0;
    std::uint8_t blue = 0;

    friend constexpr bool operator==(const Colour&, const Colour&) = default;
};

/// Sets a pixel; outside the image nothing happens. A grey image takes the colour's luminance.
inline void draw_pixel(Image& image, int x, int y, const Colour& colour) {
    if (x < 0 || y < 0 || x >= image.width || y >= image.height) return;
    if (image.channels == 1) {
        image.at(x, y, 0) = to_pixel(0.299F * static_cast<float>(colour.red) +
                                     0.587F * static_cast<float>(colour.green) +
                                     0.114F * static_cast<float>(colour.blue));
        return;
    }
    image.at(x, y, 0) = colour.red;
    image.at(x, y, 1) = colour.green;
    image.at(x, y, 2) = colour.blue;
}

/// The outline of a box, `thickness` pixels inwards from its edges rounded to pixels. What lies
/// outside the image is left out.
inline void draw_box(Image& image, const Box& box, const Colour& colour, int thickness = 2) {
    auto edge = [](double position, int count) {
        return static_cast<int>(std::lround(std::clamp(position, -1e6, count + 1e6)));
    };
    const int left = edge(box.left, image.width), right = edge(box.right, image.width);
    const int top = edge(box.top, image.height), bottom = edge(box.bottom, image.height);
    for (int y = std::max(top, 0); y < std::min(bottom, image.height); ++y) {
        const bool across = y - top < thickness || bottom - y <= thickness;
        for (int x = std::max(left, 0); x < std::min(right, image.width); ++x) {
            if (across || x - left < thickness || right - x <= thickness) {
                draw_pixel(image, x, y, colour);
            }
        }
    }
}

/// A cross of the given arm length around the pixel that contains (x, y).
inline void draw_cross(Image& image, double x, double y, const Colour& colour, int arm = 5) {
    const int column = static_cast<int>(std::floor(x)), row = static_cast<int>(std::floor(y));
    for (int i = -arm; i <= arm; ++i) {
        draw_pixel(image, column + i, row, colour);
        draw_pixel(image, column, row + i, colour);
    }
}

/// From dark blue at 0 by cyan, yellow to dark red at 1; values outside are clamped, NaN is 0.
inline Colour heat_colour(float value) {
    constexpr std::array<Colour, 6> stops{Colour{0, 0, 128}, {0, 64, 255}, {0, 255, 255},
                                          {255, 255, 0},     {255, 32, 0}, {128, 0, 0}};
    const float place = value > 0 ? std::min(value, 1.0F) * float(stops.size() - 1) : 0.0F;
    const std::size_t stop = std::min(static_cast<std::size_t>(place), stops.size() - 2);
    const float part = place - static_cast<float>(stop);
    auto blend = [&](std::uint8_t Colour::*channel) {
        return to_pixel(static_cast<float>(stops[stop].*channel) * (1 - part) +
                        static_cast<float>(stops[stop + 1].*channel) * part);
    };
    return {blend(&Colour::red), blend(&Colour::green), blend(&Colour::blue)};
}

struct Overlay {
    float low = 0;         ///< the map's value drawn as 0 of the colour scale,
    float high = 1;        ///< and as 1
    float opacity = 0.5F;  ///< of the colours over the photograph
};

/// A heat map of the image's extent over an RGB image. Throws Error when they differ in extent.
inline Image overlay(const Image& image, const Map& map, const Overlay& options = {}) {
    require(image.channels == 3 && image.width == map.width && image.height == map.height,
            "overlay: the map is ", map.width, " x ", map.height, ", the image ", image.shape());
    const float range = options.high > options.low ? options.high - options.low : 1.0F;
    Image result = image;
    for (int y = 0; y < image.height; ++y) {
        for (int x = 0; x < image.width; ++x) {
            const Colour colour = heat_colour((map.at(x, y) - options.low) / range);
            auto blend = [&](int c, std::uint8_t over) {
                const float under = image.at(x, y, c);
                result.at(x, y, c) = to_pixel(under + options.opacity * (over - under));
            };
            blend(0, colour.red);
            blend(1, colour.green);
            blend(2, colour.blue);
        }
    }
    return result;
}

/// Copies `picture` to (left, top) of `image`; what does not fit is cut. requires equal channels.
inline void paste(Image& image, const Image& picture, int left, int top) {
    const int first = std::max(0, -left);
    const int last = std::min(picture.width, image.width - left);
    if (first >= last) return;
    for (int y = std::max(0, -top); y < std::min(picture.height, image.height - top); ++y) {
        std::copy(picture.row(y) + first * picture.channels,
                  picture.row(y) + last * picture.channels,
                  image.row(top + y) + (left + first) * image.channels);
    }
}

struct Montage {
    int columns = 8;
    int gap = 2;
    Colour background{255, 255, 255};
};

/// RGB pictures in a grid, row by row, in cells of the largest width and height, centred. Throws
/// Error when there is no picture or one is not RGB.
inline Image montage(std::span<const Image> pictures, const Montage& options = {}) {
    require(!pictures.empty(), "montage: no picture");
    require(options.columns > 0 && options.gap >= 0, "montage: ", options.columns,
            " columns and a gap of ", options.gap);
    Extent cell;
    for (const Image& picture : pictures) {
        require(picture.channels == 3, "montage: a picture is ", picture.shape(), ", expected RGB");
        cell = {std::max(cell.width, picture.width), std::max(cell.height, picture.height)};
    }
    const int count = static_cast<int>(pictures.size());
    const int columns = std::min(options.columns, count);
    const int rows = (count + columns - 1) / columns;
    Image sheet(columns * (cell.width + options.gap) + options.gap,
                rows * (cell.height + options.gap) + options.gap);
    for (int y = 0; y < sheet.height; ++y) {
        for (int x = 0; x < sheet.width; ++x) draw_pixel(sheet, x, y, options.background);
    }
    for (int i = 0; i < count; ++i) {
        const Image& picture = pictures[std::size_t(i)];
        const int left = options.gap + i % columns * (cell.width + options.gap);
        const int top = options.gap + i / columns * (cell.height + options.gap);
        paste(sheet, picture, left + (cell.width - picture.width) / 2,
              top + (cell.height - picture.height) / 2);
    }
    return sheet;
}

}  // namespace tessera
