// SPDX-License-Identifier: MIT
// Textures: how the surface of a thing looks, two colours mixed by a function of the plane.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

#include "synthetic/canvas.hpp"
#include "synthetic/noise.hpp"
#include "tessera/core/random.hpp"

namespace synthetic {

enum class Texture {
    plain,
    striped,
    checked,
    dotted,
    blotched,
    zigzag,
    scaled,
    celled,
    bricked,
    ringed,
    grained,
};
inline constexpr int texture_count = 11;

constexpr std::string_view name_of(Texture texture) {
    constexpr std::array<std::string_view, texture_count> names{
        "plain",  "striped", "checked", "dotted", "blotched", "zigzag",
        "scaled", "celled",  "bricked", "ringed", "grained"};
    return names[static_cast<std::size_t>(texture)];
}

struct Material {
    Texture texture = Texture::plain;
    Colour ground;
    Colour mark;
    float frequency = 2;   // periods per unit of the object
    float angle = 0;       // of the pattern, radians
    float balance = 0.5F;  // share of the mark's colour, about
    float wobble = 0;      // distortion of the pattern, in periods
    Point shift{};
    std::uint32_t seed = 0;
};

namespace detail {

/// A wave of period 1 between 0 and 1, above 1/2 for about `balance` of the period.
inline float band(float v, float balance) {
    const float wave = 0.5F - 0.5F * std::cos(2 * std::numbers::pi_v<float> * v);
    return smooth_step(0.85F - balance, 1.15F - balance, wave);
}

/// Like band, with straight flanks: a triangle wave.
inline float fold(float v) { return std::abs(2 * (v - std::floor(v)) - 1); }

/// Where `q` lies in a unit brick, every other row moved by half a brick.
inline Point in_brick(Point q) {
    const float row = std::floor(q.y);
    const float x = q.x + 0.5F * (row - 2 * std::floor(row / 2));
    return {x - std::floor(x), q.y - row};
}

}  // namespace detail

/// The share of the mark's colour at `p`, in object units.
inline float pattern(const Material& m, Point p) {
    Point q = m.frequency * turned(p, m.angle) + m.shift;
    if (m.wobble > 0) {
        const Point bend{value_noise(0.6F * q, m.seed + 11) - 0.5F,
                         value_noise(0.6F * q, m.seed + 12) - 0.5F};
        q = q + 2 * m.wobble * bend;
    }
    switch (m.texture) {
        case Texture::plain:
            return 0.3F * cloud(0.5F * q, m.seed, 3);
        case Texture::striped:
            return detail::band(q.y, m.balance);
        case Texture::checked: {
            const float a = detail::band(0.7F * q.x, 0.5F), b = detail::band(0.7F * q.y, 0.5F);
            return a + b - 2 * a * b;
        }
        case Texture::dotted: {
            const float distance = length(detail::in_brick(q) - Point{0.5F, 0.5F});
            const float radius = 0.18F + 0.25F * m.balance;
            return 1 - smooth_step(radius - 0.08F, radius + 0.08F, distance);
        }
        case Texture::blotched: {
            const float height = cloud(0.9F * q, m.seed, 2);
            return smooth_step(0.93F - m.balance, 1.05F - m.balance, height + 0.02F);
        }
        case Texture::zigzag:
            return detail::band(q.y + 0.8F * detail::fold(0.8F * q.x), m.balance);
        case Texture::scaled: {
            const Point b = detail::in_brick({q.x, 1.4F * q.y});
            const float rim = length({2 * b.x - 1, b.y}) - 0.85F;
            return 1 - smooth_step(0.08F, 0.24F, std::abs(rim));
        }
        case Texture::celled:
            return 1 - smooth_step(0.05F, 0.2F, cell_border(0.9F * q, m.seed));
        case Texture::bricked: {
            const Point b = detail::in_brick({0.6F * q.x, 1.2F * q.y});
            const float seam = std::min(1.6F * std::min(b.x, 1 - b.x), std::min(b.y, 1 - b.y));
            return 1 - smooth_step(0.06F, 0.16F, seam);
        }
        case Texture::ringed: {
            const Point centre = m.shift + m.frequency * Point{0.2F, 0.1F};
            return detail::band(length(q - centre), m.balance);
        }
        case Texture::grained: {
            return smooth_step(0.3F, 0.7F, cloud({0.7F * q.x, 5 * q.y}, m.seed, 2));
        }
    }
    return 0;
}

inline Colour colour_at(const Material& m, Point p) { return mix(m.ground, m.mark, pattern(m, p)); }

/// Any hue, often a pale one.
inline Colour random_colour(tessera::Random& random) {
    const float value = random.uniform(0.2F, 0.95F);
    const float saturation = 0.8F * random.uniform() * random.uniform();
    const float hue = random.uniform(0, 2 * std::numbers::pi_v<float>);
    const auto channel = [&](float phase) {
        return value * (1 + saturation * std::cos(hue + phase)) / (1 + 0.5F * saturation);
    };
    return {channel(0), channel(2.094F), channel(4.189F)};
}

/// Colours are free: nothing in a thing's class depends on them. Ground and mark differ in
/// luminance by at least `contrast`.
inline Material random_material(Texture texture, tessera::Random& random, float contrast = 0.22F) {
    Material m;
    m.texture = texture;
    m.ground = random_colour(random);
    m.mark = random_colour(random);
    for (int tries = 0; tries < 20 && std::abs(luminance(m.ground) - luminance(m.mark)) < contrast;
         ++tries) {
        m.mark = random_colour(random);
    }
    m.frequency = random.uniform(2.0F, 3.2F);
    m.angle = random.uniform(-0.35F, 0.35F);
    m.balance = random.uniform(0.38F, 0.62F);
    m.wobble = random.uniform(0.05F, 0.4F);
    m.shift = {random.uniform(0, 8), random.uniform(0, 8)};
    m.seed = random.bits();
    return m;
}

}  // namespace synthetic
