// SPDX-License-Identifier: MIT
// Noise: smooth random functions of the plane, each named by a seed.
#pragma once

#include <cmath>
#include <cstdint>

#include "synthetic/outline.hpp"

namespace synthetic {

/// A number in [0, 1) for a lattice point (multiply and xor-shift; the finaliser is Murmur3's).
constexpr float lattice(int x, int y, std::uint32_t seed) {
    std::uint32_t h = seed ^ (static_cast<std::uint32_t>(x) * 0x9E3779B1U) ^
                      (static_cast<std::uint32_t>(y) * 0x85EBCA77U);
    h = (h ^ (h >> 16)) * 0x85EBCA6BU;
    h = (h ^ (h >> 13)) * 0xC2B2AE35U;
    return static_cast<float>((h ^ (h >> 16)) >> 8) * 0x1p-24F;
}

constexpr float smooth_step(float low, float high, float v) {
    const float t = v <= low ? 0.0F : v >= high ? 1.0F : (v - low) / (high - low);
    return t * t * (3 - 2 * t);
}

/// Value noise: lattice numbers one unit apart, joined smoothly. In [0, 1).
inline float value_noise(Point p, std::uint32_t seed) {
    const float fx = std::floor(p.x), fy = std::floor(p.y);
    const int x = static_cast<int>(fx), y = static_cast<int>(fy);
    const float u = smooth_step(0, 1, p.x - fx), v = smooth_step(0, 1, p.y - fy);
    const float top = lattice(x, y, seed) * (1 - u) + lattice(x + 1, y, seed) * u;
    const float bottom = lattice(x, y + 1, seed) * (1 - u) + lattice(x + 1, y + 1, seed) * u;
    return top * (1 - v) + bottom * v;
}

/// Octaves of value noise, each at twice the frequency and half the height. In [0, 1).
inline float cloud(Point p, std::uint32_t seed, int octaves) {
    float sum = 0, height = 1, total = 0;
    for (int i = 0; i < octaves; ++i) {
        sum += height * value_noise(p, seed + static_cast<std::uint32_t>(i));
        total += height;
        height *= 0.5F;
        p = 2.03F * p;
    }
    return sum / total;
}

/// One jittered point per unit square: how much farther the second nearest is than the nearest;
/// zero on the borders of the cells (Worley's F2 - F1).
inline float cell_border(Point p, std::uint32_t seed) {
    const int x = static_cast<int>(std::floor(p.x)), y = static_cast<int>(std::floor(p.y));
    float nearest = 9, second = 9;
    for (int j = y - 1; j <= y + 1; ++j) {
        for (int i = x - 1; i <= x + 1; ++i) {
            const Point site{static_cast<float>(i) + lattice(i, j, seed),
                             static_cast<float>(j) + lattice(i, j, seed + 7919)};
            const float distance = length(p - site);
            if (distance < nearest) {
                second = nearest;
                nearest = distance;
            } else if (distance < second) {
                second = distance;
            }
        }
    }
    return second - nearest;
}

}  // namespace synthetic
