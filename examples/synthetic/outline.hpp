// SPDX-License-Identifier: MIT
// Outlines: closed curves, the only thing the generator draws. One unit is about half an object; x
// points right, y down.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numbers>
#include <utility>
#include <vector>

#include "tessera/core/box.hpp"

namespace synthetic {

struct Point {
    float x = 0;
    float y = 0;

    friend constexpr Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
    friend constexpr Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
    friend constexpr Point operator*(float s, Point a) { return {s * a.x, s * a.y}; }
    friend constexpr bool operator==(const Point&, const Point&) = default;
};

inline float length(Point a) { return std::sqrt(a.x * a.x + a.y * a.y); }

/// Turned by `angle` radians, clockwise on the screen.
inline Point turned(Point a, float angle) {
    const float c = std::cos(angle), s = std::sin(angle);
    return {c * a.x - s * a.y, s * a.x + c * a.y};
}

/// The corners of a closed polygon. Long straight edges carry points in between, so that a later
/// bend of the plane bends them too.
using Outline = std::vector<Point>;

/// |x / rx|^power + |y / ry|^power = 1, turned: power 2 is an ellipse, 5 a rounded box.
inline Outline ellipse(Point centre, Point radius, float angle = 0, float power = 2) {
    constexpr int count = 36;
    Outline outline;
    for (int i = 0; i < count; ++i) {
        const float a = 2 * std::numbers::pi_v<float> * static_cast<float>(i) / count;
        const auto bulge = [&](float v) {
            return std::copysign(std::pow(std::abs(v), 2 / power), v);
        };
        const Point p{radius.x * bulge(std::cos(a)), radius.y * bulge(std::sin(a))};
        outline.push_back(centre + turned(p, angle));
    }
    return outline;
}

/// Straight edges, six points on each.
inline Outline polygon(std::initializer_list<Point> corners) {
    constexpr int pieces = 6;
    Outline outline;
    for (const Point* a = corners.begin(); a != corners.end(); ++a) {
        const Point b = a + 1 == corners.end() ? *corners.begin() : a[1];
        for (int i = 0; i < pieces; ++i) {
            outline.push_back(*a + static_cast<float>(i) / pieces * (b - *a));
        }
    }
    return outline;
}

/// `half` is half the width and half the height.
inline Outline rectangle(Point centre, Point half) {
    return polygon({{centre.x - half.x, centre.y - half.y},
                    {centre.x + half.x, centre.y - half.y},
                    {centre.x + half.x, centre.y + half.y},
                    {centre.x - half.x, centre.y + half.y}});
}

/// A line with a thickness that goes from `from` to `to` (half widths) along its points.
inline Outline stroke(const std::vector<Point>& line, float from, float to) {
    Outline left, right;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const Point along = line[std::min(i + 1, line.size() - 1)] - line[i > 0 ? i - 1 : 0];
        const float t = static_cast<float>(i) / static_cast<float>(line.size() - 1);
        const float half = (from + t * (to - from)) / std::max(length(along), 1e-6F);
        left.push_back(line[i] + Point{-half * along.y, half * along.x});
        right.push_back(line[i] - Point{-half * along.y, half * along.x});
    }
    left.insert(left.end(), right.rbegin(), right.rend());
    return left;
}

/// The quadratic Bezier curve through `a` and `b`, pulled towards `control`.
inline std::vector<Point> curve(Point a, Point control, Point b) {
    constexpr int pieces = 10;
    std::vector<Point> line;
    for (int i = 0; i <= pieces; ++i) {
        const float t = static_cast<float>(i) / pieces;
        line.push_back((1 - t) * (1 - t) * a + 2 * t * (1 - t) * control + t * t * b);
    }
    return line;
}

/// An ellipse with a hole: outer rim one way round, inner rim the other way.
inline Outline ring(Point centre, Point radius, float thickness) {
    Outline outline = ellipse(centre, radius);
    Outline hole = ellipse(centre, {radius.x - thickness, radius.y - thickness});
    outline.push_back(outline.front());
    outline.push_back(hole.front());
    outline.insert(outline.end(), hole.rbegin(), hole.rend());
    return outline;
}

/// A leaf or petal from its root: pointed at both ends, `width` its half width.
inline Outline leaf(Point root, Point tip, float width) {
    const Point along = tip - root;
    const float scale = 2 * width / std::max(length(along), 1e-6F);
    const Point side{-scale * along.y, scale * along.x};
    const Point middle = root + 0.45F * along;
    Outline outline = curve(root, middle + side, tip);
    const auto back = curve(tip, middle - side, root);
    outline.insert(outline.end(), back.begin() + 1, back.end() - 1);
    return outline;
}

inline tessera::Box bounds(const Outline& outline) {
    tessera::Box box{1e9, 1e9, -1e9, -1e9};
    for (const Point p : outline) {
        box.left = std::min<double>(box.left, p.x);
        box.top = std::min<double>(box.top, p.y);
        box.right = std::max<double>(box.right, p.x);
        box.bottom = std::max<double>(box.bottom, p.y);
    }
    return box;
}

}  // namespace synthetic
