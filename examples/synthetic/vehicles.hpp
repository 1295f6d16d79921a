// SPDX-License-Identifier: MIT
// Blueprints of vehicles and buildings. `detail` (0 or 1) picks the fine kind, the random numbers
// its build.
#pragma once

#include "synthetic/blueprint.hpp"

namespace synthetic {

/// 0: a car with a cabin in the middle. 1: a truck with a box and three small wheels.
inline Blueprint wagon(int detail, tessera::Random& random) {
    Blueprint b;
    const auto wheel = [&](float x, float y, float radius) {
        b.add(Role::dark, ellipse({x, y}, {radius, radius}));
        b.add(Role::bright, ellipse({x, y}, {0.45F * radius, 0.45F * radius}));
    };
    if (detail == 0) {
        const float roof = about(-0.55F, 0.2F, random), radius = about(0.26F, 0.15F, random);
        const float rake = random.uniform(0.1F, 0.4F);
        b.add(Role::coat,
              polygon({{-0.65F, -0.05F}, {-0.45F, roof}, {0.55F - rake, roof}, {0.7F, -0.05F}}));
        b.add(Role::bright, polygon({{-0.48F, -0.1F},
                                     {-0.36F, roof + 0.09F},
                                     {-0.02F, roof + 0.09F},
                                     {-0.02F, -0.1F}}));
        b.add(Role::bright, polygon({{0.06F, -0.1F},
                                     {0.06F, roof + 0.09F},
                                     {0.5F - rake, roof + 0.09F},
                                     {0.55F, -0.1F}}));
        b.add(Role::coat, ellipse({0, 0.15F}, {1.0F, about(0.25F, 0.15F, random)}, 0, 4));
        b.add(Role::bright, ellipse({0.93F, 0.08F}, {0.06F, 0.08F}));
        wheel(-0.55F, 0.4F, radius);
        wheel(0.58F, 0.4F, radius);
    } else {
        const float top = about(-0.7F, 0.15F, random), split = random.uniform(0.3F, 0.5F);
        const float radius = about(0.17F, 0.15F, random);
        b.add(Role::dark, rectangle({0, 0.33F}, {0.98F, 0.07F}));
        b.add(Role::coat, rectangle({0.5F * (split - 1.05F), 0.5F * (top + 0.28F)},
                                    {0.5F * (split + 1.0F), 0.5F * (0.28F - top)}));
        b.add(Role::trim, polygon({{split + 0.05F, 0.32F},
                                   {split + 0.05F, -0.35F},
                                   {0.8F, -0.35F},
                                   {1.0F, 0.0F},
                                   {1.0F, 0.32F}}));
        b.add(Role::bright, polygon({{split + 0.15F, -0.02F},
                                     {split + 0.15F, -0.25F},
                                     {0.76F, -0.25F},
                                     {0.88F, -0.02F}}));
        for (const float x : {-0.75F, -0.35F, 0.7F}) wheel(x, 0.45F, radius);
    }
    return b;
}

/// 0: two sails. 1: a steamer with funnels and port holes.
inline Blueprint boat(int detail, tessera::Random& random) {
    Blueprint b;
    const float deep = about(0.32F, 0.2F, random), stern = random.uniform(0.6F, 0.95F);
    const Outline hull =
        polygon({{-1, 0.45F}, {1.05F, 0.4F}, {0.7F, 0.45F + deep}, {-stern, 0.45F + deep}});
    if (detail == 0) {
        const float mast = random.uniform(-0.1F, 0.15F), low = random.uniform(0.2F, 0.32F);
        b.add(Role::dark, stroke({{mast, 0.5F}, {mast, -1.0F}}, 0.04F, 0.03F));
        b.add(Role::coat, polygon({{mast - 0.06F, -0.95F},
                                   {mast - 0.06F, low},
                                   {about(-0.85F, 0.12F, random), low}}));
        b.add(Role::coat, polygon({{mast + 0.06F, about(-0.8F, 0.15F, random)},
                                   {about(0.85F, 0.1F, random), low},
                                   {mast + 0.06F, low}}));
        b.add(Role::trim, hull);
    } else {
        const int funnels = 1 + static_cast<int>(random.below(3));
        for (int i = 0; i < funnels; ++i) {
            const float x = -0.4F + 0.35F * static_cast<float>(i);
            b.add(Role::trim, rectangle({x, -0.35F}, {0.11F, 0.35F}));
            b.add(Role::dark, rectangle({x, -0.62F}, {0.12F, 0.09F}));
        }
        b.add(Role::bright, rectangle({0, 0.15F}, {about(0.6F, 0.1F, random), 0.3F}));
        b.add(Role::coat, hull);
        for (int i = 0; i < 4; ++i) {
            b.add(Role::dark,
                  ellipse({-0.45F + 0.3F * static_cast<float>(i), 0.15F}, {0.07F, 0.07F}));
        }
    }
    return b;
}

/// 0: a gable roof with a chimney. 1: a tower with battlements.
inline Blueprint house(int detail, tessera::Random& random) {
    Blueprint b;
    const float wide = about(detail == 0 ? 0.75F : 0.4F, 0.15F, random);
    if (detail == 0) {
        const float eaves = random.uniform(-0.25F, 0.05F);
        b.add(Role::dark, rectangle({0.5F * wide, -0.65F}, {0.1F, 0.3F}));
        b.add(Role::coat, rectangle({0, 0.5F * (eaves + 0.9F)}, {wide, 0.5F * (0.9F - eaves)}));
        b.add(Role::trim, polygon({{-wide - 0.15F, eaves}, {0, -0.9F}, {wide + 0.15F, eaves}}));
        b.add(Role::bright, rectangle({-0.5F * wide, 0.35F}, {0.15F, 0.16F}));
    } else {
        b.add(Role::coat, rectangle({0, 0.1F}, {wide, 0.9F}));
        for (const float x : {-1.0F, 0.0F, 1.0F}) {
            b.add(Role::trim, rectangle({x * wide, -0.95F}, {0.3F * wide, 0.13F}));
        }
        b.add(Role::trim, rectangle({0, -0.75F}, {1.3F * wide, 0.1F}));
        b.add(Role::bright, rectangle({0, -0.3F}, {0.1F, 0.17F}));
    }
    b.add(Role::dark, rectangle({0.35F * wide, 0.65F}, {0.15F, 0.26F}));
    return b;
}

}  // namespace synthetic
