// SPDX-License-Identifier: MIT
// Backdrop: what is behind and between the things: walls, ground, clouds, loose shapes.
#pragma once

#include "synthetic/junk.hpp"
#include "synthetic/paint.hpp"

namespace synthetic {

/// Two textured surfaces with a soft border (a wall and a floor, a sky and a field), and clouds of
/// light over both. `unit` is the size in pixels of what would be half an object.
inline void paint_backdrop(Canvas& canvas, float unit, tessera::Random& random) {
    const auto surface = [&] {
        const bool patterned = random.chance(0.5F);
        const auto texture = static_cast<Texture>(patterned ? random.below(texture_count) : 0U);
        Material m = random_material(texture, random, 0.05F);
        m.mark = mix(m.ground, m.mark, random.uniform(0.15F, 0.6F));
        m.frequency *= random.uniform(0.5F, 1.4F);
        m.angle = random.uniform(-1.6F, 1.6F);
        return m;
    };
    const Material above = surface(), below = surface();
    const auto height = static_cast<float>(canvas.height);
    const float horizon = height * random.uniform(0.1F, 1.2F), tilt = random.uniform(-0.15F, 0.15F);
    const float soft = unit * random.uniform(0.02F, 0.6F);
    const float depth = random.uniform(0.2F, 0.7F), grain = random.uniform(0.5F, 2.0F);
    const std::uint32_t seed = random.bits();
    // Blocks of 2 x 2 share a colour: per pixel, this loop would take half the time of a picture.
    constexpr int block = 2;
    for (int y = 0; y < canvas.height; ++y) {
        for (int x = 0; x < canvas.width; ++x) {
            Colour& colour = canvas.colours[canvas.index(x, y)];
            if (x % block != 0 || y % block != 0) {
                colour = canvas.colours[canvas.index(x - x % block, y - y % block)];
                continue;
            }
            const Point p{static_cast<float>(x), static_cast<float>(y)};
            const Point q = (1 / unit) * p;
            const float t = smooth_step(-soft, soft, p.y - horizon - tilt * p.x);
            if (t < 1) colour = (1 - t) * colour_at(above, q);
            if (t > 0) colour = colour + t * colour_at(below, q);
            colour = (1 + depth * (2 * cloud(grain * q, seed, 4) - 1)) * colour;
        }
    }
}

/// One piece of junk, in any pose, with a coat that could be anything's.
inline void paint_junk(Canvas& canvas, Point centre, float size, tessera::Random& random) {
    Blueprint thing = junk(random);
    deform(thing, 1, random);
    const auto texture = static_cast<Texture>(random.below(texture_count));
    const Look look = random_look(texture, random);
    const Pose pose{centre, size, random.uniform(0, 6.28F), random.chance(0.5F)};
    paint(canvas, thing, pose, look, nobody);
}

}  // namespace synthetic
