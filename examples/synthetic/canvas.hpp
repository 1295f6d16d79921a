// SPDX-License-Identifier: MIT
// Canvas: float colours with the number of the object that owns each pixel, and coverage masks of
// outlines.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "synthetic/outline.hpp"

namespace synthetic {

/// 0 to 1 within the range of a photograph; sums may leave it.
struct Colour {
    float red = 0;
    float green = 0;
    float blue = 0;

    friend constexpr Colour operator+(Colour a, Colour b) {
        return {a.red + b.red, a.green + b.green, a.blue + b.blue};
    }
    friend constexpr Colour operator*(float s, Colour a) {
        return {s * a.red, s * a.green, s * a.blue};
    }
};

constexpr Colour mix(Colour a, Colour b, float t) { return (1 - t) * a + t * b; }

constexpr float luminance(Colour a) { return 0.299F * a.red + 0.587F * a.green + 0.114F * a.blue; }

/// Owner of pixels that belong to no annotated object.
inline constexpr int nobody = -1;

struct Canvas {
    int width = 0;
    int height = 0;
    std::vector<Colour> colours;
    std::vector<int> owners;

    Canvas(int columns, int rows)
        : width(columns),
          height(rows),
          colours(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows)),
          owners(colours.size(), nobody) {}

    std::size_t index(int x, int y) const {
        return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
               static_cast<std::size_t>(x);
    }
};

/// Coverage in 0 .. 1 of the pixels of a rectangle of the canvas.
struct Mask {
    int left = 0;
    int top = 0;
    int width = 0;
    int height = 0;
    std::vector<float> values;

    bool empty() const { return values.empty(); }
    float at(int x, int y) const {
        return values[static_cast<std::size_t>(y - top) * static_cast<std::size_t>(width) +
                      static_cast<std::size_t>(x - left)];
    }
};

/// Exact area coverage by accumulated signed trapezoids: every edge adds, in each row it passes,
/// its height there to the pixel it crosses and all pixels to the right. Rows are then summed from
/// left to right. The mask ends at the canvas, `margin` pixels around the outline.
inline Mask rasterise(const Outline& outline, const Canvas& canvas, int margin) {
    const tessera::Box box = bounds(outline).grown(margin);
    Mask mask;
    mask.left = std::max(0, static_cast<int>(std::floor(box.left)));
    mask.top = std::max(0, static_cast<int>(std::floor(box.top)));
    mask.width = std::min(canvas.width, static_cast<int>(std::ceil(box.right))) - mask.left;
    mask.height = std::min(canvas.height, static_cast<int>(std::ceil(box.bottom))) - mask.top;
    if (mask.width <= 0 || mask.height <= 0) return {};

    const auto stride = static_cast<std::size_t>(mask.width);
    mask.values.assign(stride * static_cast<std::size_t>(mask.height), 0.0F);
    const auto limit = static_cast<float>(mask.width);
    for (std::size_t i = 0; i < outline.size(); ++i) {
        const Point origin{static_cast<float>(mask.left), static_cast<float>(mask.top)};
        Point a = outline[i] - origin;
        Point b = outline[(i + 1) % outline.size()] - origin;
        if (a.y == b.y) continue;
        const float sign = a.y < b.y ? 1.0F : -1.0F;
        if (a.y > b.y) std::swap(a, b);
        const float slope = (b.x - a.x) / (b.y - a.y);
        const float first = std::max(a.y, 0.0F);
        const float last = std::min(b.y, static_cast<float>(mask.height));
        for (int y = static_cast<int>(first); static_cast<float>(y) < last; ++y) {
            const float low = std::max(first, static_cast<float>(y));
            const float high = std::min(last, static_cast<float>(y + 1));
            if (high <= low) continue;
            const float middle = a.x + slope * (0.5F * (low + high) - a.y);
            const float x = std::clamp(middle, 0.0F, limit);
            const auto column = static_cast<std::size_t>(x);
            float* row = mask.values.data() + static_cast<std::size_t>(y) * stride;
            const float area = sign * (high - low);
            const float inside = static_cast<float>(column + 1) - x;
            if (column < stride) row[column] += area * inside;
            if (column + 1 < stride) row[column + 1] += area * (1 - inside);
        }
    }
    for (int y = 0; y < mask.height; ++y) {
        float* row = mask.values.data() + static_cast<std::size_t>(y) * stride;
        float sum = 0;
        for (std::size_t x = 0; x < stride; ++x) {
            sum += row[x];
            row[x] = std::min(std::abs(sum), 1.0F);
        }
    }
    return mask;
}

/// Two passes of a box filter of 2 * radius + 1 pixels in both directions; outside counts as zero.
inline void soften(Mask& mask, int radius) {
    if (radius < 1 || mask.empty()) return;
    std::vector<float> line;
    const float scale = 1.0F / static_cast<float>(2 * radius + 1);
    const auto filter = [&](float* data, int count, int step) {
        line.assign(static_cast<std::size_t>(count), 0.0F);
        float sum = 0;
        for (int i = 0; i < std::min(radius, count); ++i) sum += data[i * step];
        for (int i = 0; i < count; ++i) {
            if (i + radius < count) sum += data[(i + radius) * step];
            if (i - radius - 1 >= 0) sum -= data[(i - radius - 1) * step];
            line[static_cast<std::size_t>(i)] = sum * scale;
        }
        for (int i = 0; i < count; ++i) data[i * step] = line[static_cast<std::size_t>(i)];
    };
    for (int pass = 0; pass < 2; ++pass) {
        for (int y = 0; y < mask.height; ++y) {
            filter(mask.values.data() + y * mask.width, mask.width, 1);
        }
        for (int x = 0; x < mask.width; ++x) {
            filter(mask.values.data() + x, mask.height, mask.width);
        }
    }
}

}  // namespace synthetic
