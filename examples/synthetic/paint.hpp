// SPDX-License-Identifier: MIT
// Painting: a blueprint gets a pose, a build of its own, materials and light.
#pragma once

#include <array>
#include <cmath>
#include <numbers>

#include "synthetic/blueprint.hpp"
#include "synthetic/canvas.hpp"
#include "synthetic/texture.hpp"

namespace synthetic {

/// Where and how large on the canvas, in pixels, and turned how far.
struct Pose {
    Point centre;
    float size = 0;  // the longer side of the bounding box
    float angle = 0;
    bool mirrored = false;
};

/// The four materials of a thing, by Role, and the light on it.
struct Look {
    std::array<Material, 4> materials;
    Point light{-0.6F, -0.8F};
    float relief = 0.5F;  // strength of the shading
};

inline Look random_look(Texture coat, tessera::Random& random) {
    Look look;
    look.materials[0] = random_material(coat, random);
    look.materials[1] = random_material(Texture::plain, random);
    look.materials[2] = random_material(Texture::plain, random);
    look.materials[3] = random_material(Texture::plain, random);
    const float dark = random.uniform(0.04F, 0.2F), bright = random.uniform(0.75F, 1.0F);
    for (Colour* colour : {&look.materials[2].ground, &look.materials[2].mark}) {
        *colour = mix({dark, dark, dark}, *colour, 0.12F);
    }
    for (Colour* colour : {&look.materials[3].ground, &look.materials[3].mark}) {
        *colour = mix({bright, bright, bright}, *colour, 0.2F);
    }
    look.light = turned({0, -1}, random.uniform(-1.2F, 1.2F));
    look.relief = random.uniform(0.3F, 0.9F);
    return look;
}

/// Bends, tapers, shears and stretches every outline by one smooth random map of the plane.
inline void deform(Blueprint& thing, float strength, tessera::Random& random) {
    const auto draw = [&](float limit) { return strength * random.uniform(-limit, limit); };
    const float stretch = std::exp(draw(0.22F)), shear = draw(0.16F), taper = draw(0.15F);
    const float bend_x = draw(0.12F), bend_y = draw(0.12F);
    const float wave = draw(0.05F), phase = random.uniform(0, 6.28F);
    for (Part& part : thing.parts) {
        for (Point& p : part.outline) {
            Point q{stretch * (p.x * (1 + taper * p.y) + shear * p.y + bend_x * p.y * p.y),
                    (p.y + bend_y * p.x * p.x) / stretch};
            p = q + Point{wave * std::sin(3 * q.y + phase), wave * std::sin(3 * q.x + phase)};
        }
    }
}

/// What a painted thing covers on the canvas.
struct Footprint {
    tessera::Box whole{1e9, 1e9, -1e9, -1e9};  // in pixels, beyond the canvas too
    int painted = 0;                           // pixels on the canvas
};

/// Paints the parts one over the other. A blurred coverage mask serves as height: its slope against
/// the light shades the part, its low values near the rim darken it. requires owner not yet on the
/// canvas, or nobody.
inline Footprint paint(Canvas& canvas, const Blueprint& thing, const Pose& pose, const Look& look,
                       int owner) {
    const float mirror = pose.mirrored ? -1.0F : 1.0F;
    tessera::Box box{1e9, 1e9, -1e9, -1e9};
    const auto join = [](tessera::Box& a, const tessera::Box& b) {
        a = {std::min(a.left, b.left), std::min(a.top, b.top), std::max(a.right, b.right),
             std::max(a.bottom, b.bottom)};
    };
    std::vector<Outline> outlines;
    for (const Part& part : thing.parts) {
        Outline& outline = outlines.emplace_back(part.outline);
        for (Point& p : outline) p = turned({mirror * p.x, p.y}, pose.angle);
        join(box, bounds(outline));
    }
    const float scale = pose.size / static_cast<float>(std::max(box.width(), box.height()));
    const Point middle{static_cast<float>(0.5 * (box.left + box.right)),
                       static_cast<float>(0.5 * (box.top + box.bottom))};
    Footprint footprint;
    for (Outline& outline : outlines) {
        for (Point& p : outline) p = pose.centre + scale * (p - middle);
        join(footprint.whole, bounds(outline));
    }

    const int radius = std::max(1, static_cast<int>(0.035F * pose.size));
    std::vector<char> touched(owner == nobody ? 0 : canvas.owners.size());
    for (std::size_t i = 0; i < outlines.size(); ++i) {
        const Mask cover = rasterise(outlines[i], canvas, 2 * radius);
        if (cover.empty()) continue;
        Mask height = cover;
        soften(height, radius);
        const Material& material = look.materials[static_cast<std::size_t>(thing.parts[i].role)];
        const int right = cover.left + cover.width - 1, bottom = cover.top + cover.height - 1;
        for (int y = cover.top; y <= bottom; ++y) {
            for (int x = cover.left; x <= right; ++x) {
                const float alpha = cover.at(x, y);
                if (alpha <= 0) continue;
                const Point p{static_cast<float>(x) + 0.5F, static_cast<float>(y) + 0.5F};
                Point q = turned((1 / scale) * (p - pose.centre), -pose.angle);
                q.x *= mirror;
                const auto at = [&](int u, int v) {
                    return height.at(std::clamp(u, cover.left, right),
                                     std::clamp(v, cover.top, bottom));
                };
                const Point slope{at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1)};
                const float facing = -(slope.x * look.light.x + slope.y * look.light.y);
                const float light = 1 + look.relief * static_cast<float>(radius) * facing -
                                    0.45F * (1 - smooth_step(0.35F, 0.8F, at(x, y)));
                const Colour colour = std::clamp(light, 0.2F, 1.7F) * colour_at(material, q);
                const std::size_t pixel = canvas.index(x, y);
                canvas.colours[pixel] = mix(canvas.colours[pixel], colour, alpha);
                if (alpha > 0.5F) {
                    if (owner != nobody && !touched[pixel]) {
                        touched[pixel] = 1;
                        ++footprint.painted;
                    }
                    canvas.owners[pixel] = owner;
                }
            }
        }
    }
    return footprint;
}

/// A soft dark ellipse, as under a thing that stands on the ground.
inline void shade(Canvas& canvas, const Pose& pose, float strength) {
    const Point centre = pose.centre + Point{0, 0.46F * pose.size};
    Mask mask = rasterise(ellipse(centre, {0.45F * pose.size, 0.09F * pose.size}), canvas,
                          static_cast<int>(0.1F * pose.size));
    soften(mask, static_cast<int>(0.04F * pose.size));
    for (int y = mask.top; y < mask.top + mask.height; ++y) {
        for (int x = mask.left; x < mask.left + mask.width; ++x) {
            Colour& colour = canvas.colours[canvas.index(x, y)];
            colour = (1 - strength * mask.at(x, y)) * colour;
        }
    }
}

}  // namespace synthetic
