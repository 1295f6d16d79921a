// SPDX-License-Identifier: MIT
// Blueprints of what stands in a room. `detail` (0 or 1) picks the fine kind, the random numbers
// its build.
#pragma once

#include "synthetic/blueprint.hpp"

namespace synthetic {

/// 0: a mug with one handle. 1: a tea pot with spout, handle and lid.
inline Blueprint pot(int detail, tessera::Random& random) {
    Blueprint b;
    if (detail == 0) {
        const float tall = about(0.65F, 0.2F, random), wide = about(0.55F, 0.12F, random);
        const float foot = wide * random.uniform(0.65F, 1.0F);
        b.add(Role::trim, ring({wide + 0.05F, 0}, {0.4F, 0.65F * tall}, 0.13F));
        b.add(Role::coat, polygon({{-wide, -tall}, {wide, -tall}, {foot, tall}, {-foot, tall}}));
        b.add(Role::coat, ellipse({0, tall}, {foot, 0.1F}));
        b.add(Role::trim, ellipse({0, -tall}, {wide, 0.15F}));
        b.add(Role::dark, ellipse({0, -tall}, {0.85F * wide, 0.1F}));
    } else {
        const float high = about(0.5F, 0.2F, random);
        b.add(Role::trim, ring({-0.7F, -0.02F}, {0.38F, 0.42F}, 0.12F));
        b.add(Role::trim,
              stroke(curve({0.4F, 0.15F}, {0.8F, 0.15F}, {1.02F, about(-0.5F, 0.2F, random)}), 0.2F,
                     0.08F));
        b.add(Role::trim, ellipse({0, high}, {0.4F, 0.08F}));
        b.add(Role::coat, ellipse({0, 0}, {0.68F, high}, 0, 2.3F));
        b.add(Role::trim, ellipse({0, -0.9F * high}, {0.36F, 0.14F}));
        b.add(Role::trim, ellipse({0, -0.9F * high - 0.2F}, {0.1F, 0.1F}));
    }
    return b;
}

/// 0: a bottle with a long neck, a cap and a label. 1: a vase with two ears.
inline Blueprint bottle(int detail, tessera::Random& random) {
    Blueprint b;
    if (detail == 0) {
        const float wide = about(0.34F, 0.2F, random), shoulder = random.uniform(-0.4F, -0.05F);
        const float neck = about(0.12F, 0.2F, random);
        b.add(Role::coat, polygon({{-neck, -0.95F},
                                   {neck, -0.95F},
                                   {neck, shoulder - 0.25F},
                                   {wide, shoulder},
                                   {wide, 1},
                                   {-wide, 1},
                                   {-wide, shoulder},
                                   {-neck, shoulder - 0.25F}}));
        b.add(Role::dark, rectangle({0, -0.95F}, {1.25F * neck, 0.12F}));
        b.add(Role::bright, rectangle({0, 0.5F * shoulder + 0.45F}, {wide, 0.14F}));
    } else {
        const float wide = about(0.52F, 0.15F, random), mouth = about(0.34F, 0.2F, random);
        for (const float side : {-1.0F, 1.0F}) {
            b.add(Role::trim, ring({0.42F * side, -0.42F}, {0.26F, 0.3F}, 0.1F));
        }
        b.add(Role::coat, polygon({{-mouth, -0.95F},
                                   {mouth, -0.95F},
                                   {0.17F, -0.6F},
                                   {wide, -0.05F},
                                   {0.8F * wide, 0.5F},
                                   {0.22F, 0.85F},
                                   {0.34F, 1},
                                   {-0.34F, 1},
                                   {-0.22F, 0.85F},
                                   {-0.8F * wide, 0.5F},
                                   {-wide, -0.05F},
                                   {-0.17F, -0.6F}}));
        b.add(Role::dark, ellipse({0, -0.95F}, {mouth, 0.08F}));
    }
    return b;
}

/// 0: slats and four legs. 1: an arm chair.
inline Blueprint chair(int detail, tessera::Random& random) {
    Blueprint b;
    const float lean = random.uniform(0, 0.2F);
    if (detail == 0) {
        const float leg = about(0.06F, 0.25F, random), depth = random.uniform(0.15F, 0.32F);
        for (const float x : {-0.3F, 0.52F})
            b.add(Role::trim, stroke({{x, 0.1F}, {x, 0.8F}}, leg, leg));
        b.add(Role::coat,
              polygon(
                  {{-0.5F, 0.1F + depth}, {-0.32F, 0.05F}, {0.55F, 0.05F}, {0.5F, 0.1F + depth}}));
        for (const float x : {-0.5F, 0.46F}) {
            b.add(Role::coat, stroke({{x, 0.1F + depth}, {x, 1}}, 1.3F * leg, 1.1F * leg));
        }
        for (const float x : {-0.34F, 0.54F}) {
            b.add(Role::coat, stroke({{x, 0.1F}, {x - lean, -1}}, 1.3F * leg, 1.2F * leg));
        }
        for (int slat = 0; slat < 3; ++slat) {
            const float y = -0.88F + 0.28F * static_cast<float>(slat);
            const float shift = lean * (y - 0.1F) / 1.1F;
            b.add(Role::coat, rectangle({0.1F + shift, y}, {0.42F, 0.08F}));
        }
    } else {
        const float wide = about(0.55F, 0.12F, random);
        for (const float x : {-0.8F, 0.8F})
            b.add(Role::dark, rectangle({x * wide, 0.95F}, {0.07F, 0.12F}));
        b.add(Role::coat, ellipse({-lean, -0.25F}, {wide, about(0.75F, 0.1F, random)}, 0, 4));
        b.add(Role::trim, ellipse({0, 0.4F}, {wide, 0.22F}, 0, 4));
        b.add(Role::coat, ellipse({0, 0.72F}, {wide, 0.2F}, 0, 5));
        for (const float side : {-1.0F, 1.0F}) {
            b.add(Role::coat, ellipse({side * (wide + 0.08F), 0.45F}, {0.18F, 0.48F}, 0, 4));
        }
    }
    return b;
}

/// 0: broad leaves in a pot. 1: a cactus with arms and a flower.
inline Blueprint plant(int detail, tessera::Random& random) {
    Blueprint b;
    if (detail == 0) {
        const int leaves = 5 + static_cast<int>(random.below(4));
        for (int i = 0; i < leaves; ++i) {
            const float angle = -2.9F + 2.6F * (static_cast<float>(i) + random.uniform(0, 0.8F)) /
                                            static_cast<float>(leaves);
            const float reach = about(1.0F, 0.2F, random);
            b.add(Role::coat, leaf({0, 0.4F}, Point{0, 0.4F} + turned({reach, 0}, angle), 0.19F));
        }
    } else {
        const float thick = about(0.22F, 0.15F, random);
        const float left = random.uniform(-0.3F, 0.25F), right = random.uniform(-0.3F, 0.25F);
        b.add(Role::coat,
              stroke(curve({0, left + 0.1F}, {-0.65F, left + 0.2F}, {-0.55F, left - 0.5F}), 0.13F,
                     0.12F));
        b.add(Role::coat,
              stroke(curve({0, right + 0.1F}, {0.65F, right + 0.2F}, {0.55F, right - 0.4F}), 0.13F,
                     0.12F));
        b.add(Role::coat, ellipse({0, -0.15F}, {thick, 0.75F}, 0, 3));
        for (int petal = 0; petal < 5; ++petal) {
            const float angle = 1.257F * static_cast<float>(petal);
            b.add(Role::bright,
                  leaf({0, -0.92F}, Point{0, -0.92F} + turned({0.22F, 0}, angle), 0.07F));
        }
    }
    const float wide = about(0.38F, 0.15F, random);
    b.add(Role::trim,
          polygon({{-wide, 0.45F}, {wide, 0.45F}, {0.7F * wide, 1}, {-0.7F * wide, 1}}));
    b.add(Role::trim, rectangle({0, 0.45F}, {1.15F * wide, 0.09F}));
    return b;
}

}  // namespace synthetic
