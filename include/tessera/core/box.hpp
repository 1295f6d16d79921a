// SPDX-License-Identifier: MIT
// Box: an axis-parallel rectangle of an image.
#pragma once

#include <algorithm>

namespace tessera {

/// Half-open and in pixels, with the origin at the image's top left corner: pixel (0, 0) is the box
/// {0, 0, 1, 1}. Coordinates may be fractional. VOC's 1-based inclusive (xmin, xmax) is (xmin - 1,
/// xmax).
struct Box {
    double left = 0;
    double top = 0;
    double right = 0;
    double bottom = 0;

    friend constexpr bool operator==(const Box&, const Box&) = default;

    constexpr double width() const { return std::max(0.0, right - left); }
    constexpr double height() const { return std::max(0.0, bottom - top); }
    constexpr double area() const { return width() * height(); }
    constexpr bool contains(double x, double y) const {
        return x >= left && x < right && y >= top && y < bottom;
    }
    /// Moved outwards by `margin` on every side.
    constexpr Box grown(double margin) const {
        return {left - margin, top - margin, right + margin, bottom + margin};
    }
};

/// The common rectangle; empty (area 0) when the two do not meet.
constexpr Box intersect(const Box& a, const Box& b) {
    return {std::max(a.left, b.left), std::max(a.top, b.top), std::min(a.right, b.right),
            std::min(a.bottom, b.bottom)};
}

}  // namespace tessera
