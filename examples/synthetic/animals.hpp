// SPDX-License-Identifier: MIT
// Blueprints of animals. `detail` (0 or 1) picks the fine kind, the random numbers its build.
#pragma once

#include "synthetic/blueprint.hpp"

namespace synthetic {

/// 0: a grazer with a long neck, a mane and hooves. 1: a hunter with a round head, ears and a
/// raised tail.
inline Blueprint quadruped(int detail, tessera::Random& random) {
    Blueprint b;
    const float body = about(0.34F, 0.2F, random),
                leg = about(detail == 0 ? 0.75F : 0.5F, 0.2F, random);
    const float thick = about(0.085F, 0.25F, random);
    const float gait = random.uniform(-0.16F, 0.16F);
    const float ground = 0.5F * body + leg;
    for (int side = 0; side < 2; ++side) {  // the far legs are in the shade
        const float step = side == 0 ? gait : -gait;
        const Role role = side == 0 ? Role::trim : Role::coat;
        for (const float hip : {-0.52F, 0.5F}) {
            const Point foot{hip + step + 0.08F, ground};
            b.add(role, stroke(curve({hip, 0}, {hip + 0.5F * step, 0.5F * ground}, foot),
                               1.5F * thick, 0.8F * thick));
            if (detail == 0) b.add(Role::dark, rectangle(foot, {thick, 0.6F * thick}));
        }
    }
    if (detail == 0) {
        b.add(Role::dark, stroke(curve({-0.68F, -0.1F}, {-0.95F, 0}, {-0.9F, 0.5F}), 0.05F, 0.09F));
        b.add(Role::coat, ellipse({0, 0}, {0.72F, body}, 0, 2.4F));
        const Point head{about(0.98F, 0.12F, random), about(-0.8F, 0.2F, random)};
        b.add(Role::coat, stroke(curve({0.5F, 0}, {0.6F, -0.4F}, head), 0.26F, 0.13F));
        b.add(Role::trim,
              stroke(curve({0.36F, -0.25F}, {0.45F, -0.6F}, head + Point{-0.12F, -0.05F}), 0.09F,
                     0.06F));
        b.add(Role::coat, ellipse(head + Point{0.16F, 0.06F}, {0.28F, 0.14F}, 0.5F));
        b.add(Role::coat, leaf(head + Point{0, -0.05F}, head + Point{-0.06F, -0.32F}, 0.06F));
        b.add(Role::dark, ellipse(head + Point{0.12F, -0.01F}, {0.035F, 0.035F}));
    } else {
        const float lift = random.uniform(-0.95F, -0.55F);
        b.add(Role::coat, stroke(curve({-0.62F, 0}, {-1.15F, 0.05F}, {-1.0F, lift}), 0.08F, 0.06F));
        b.add(Role::coat, ellipse({0, 0}, {0.75F, body}, 0, 2.2F));
        const Point head{about(0.82F, 0.1F, random), about(-0.28F, 0.3F, random)};
        const float size = about(0.31F, 0.15F, random);
        for (const float side : {-1.0F, 1.0F}) {
            const Point ear = head + size * Point{0.65F * side, -0.65F};
            b.add(Role::coat,
                  polygon({ear + size * Point{-0.4F, 0.2F}, ear + size * Point{0.4F, 0.2F},
                           ear + size * Point{0.25F * side, -0.75F}}));
        }
        b.add(Role::coat, ellipse(head, {size, 0.92F * size}));
        b.add(Role::trim, ellipse(head + size * Point{0.15F, 0.45F}, size * Point{0.5F, 0.35F}));
        for (const float side : {-1.0F, 1.0F}) {
            b.add(Role::dark, ellipse(head + size * Point{0.4F * side + 0.1F, -0.1F},
                                      size * Point{0.13F, 0.13F}));
        }
    }
    return b;
}

/// 0: a wader with long neck, legs and beak. 1: a round bird with a fan for a tail and a crest.
inline Blueprint bird(int detail, tessera::Random& random) {
    Blueprint b;
    const float plump = about(detail == 0 ? 0.3F : 0.4F, 0.2F, random);
    const float lean = random.uniform(-0.45F, -0.1F);
    const float leg = detail == 0 ? about(0.95F, 0.2F, random) : about(0.32F, 0.3F, random);
    const float stride = random.uniform(-0.15F, 0.2F);
    for (const float side : {-1.0F, 1.0F}) {
        const Point knee{side * stride + 0.05F, plump + 0.4F * leg};
        const Point foot{0.6F * side * stride, plump + leg - 0.1F};
        b.add(Role::dark,
              stroke({{0.05F * side, 0.6F * plump}, knee, foot, foot + Point{0.15F, 0.02F}}, 0.05F,
                     0.035F));
    }
    if (detail == 0) {
        b.add(Role::trim,
              polygon({{-0.4F, -0.1F}, {-0.95F, about(0.25F, 0.5F, random)}, {-0.4F, 0.2F}}));
        b.add(Role::coat, ellipse({0, 0}, {0.62F, plump}, lean));
        const Point head{about(0.7F, 0.15F, random), about(-0.95F, 0.15F, random)};
        b.add(Role::coat, stroke(curve({0.4F, -0.2F}, {0.95F, -0.45F}, head), 0.14F, 0.08F));
        b.add(Role::trim,
              polygon({head + Point{0, -0.1F}, head + Point{0.65F, 0.06F}, head + Point{0, 0.1F}}));
        b.add(Role::coat, ellipse(head, {0.17F, 0.14F}));
        b.add(Role::dark, ellipse(head + Point{0.05F, -0.03F}, {0.04F, 0.04F}));
    } else {
        for (int feather = 0; feather < 4; ++feather) {
            const float angle = 2.7F + 0.3F * static_cast<float>(feather);
            b.add(Role::trim, leaf({-0.3F, 0}, Point{-0.3F, 0} + turned({0.75F, 0}, angle), 0.12F));
        }
        b.add(Role::coat, ellipse({0, 0}, {0.58F, plump}, lean));
        const Point head{about(0.52F, 0.1F, random), about(-0.45F, 0.15F, random)};
        for (int plume = 0; plume < 3; ++plume) {
            const float angle = -2.4F + 0.4F * static_cast<float>(plume);
            b.add(Role::trim, leaf(head, head + turned({0.48F, 0}, angle), 0.06F));
        }
        b.add(Role::dark, polygon({head + Point{0.12F, -0.1F}, head + Point{0.42F, 0.04F},
                                   head + Point{0.12F, 0.12F}}));
        b.add(Role::coat, ellipse(head, {0.25F, 0.24F}));
        b.add(Role::dark, ellipse(head + Point{0.08F, -0.05F}, {0.05F, 0.05F}));
    }
    b.add(Role::coat, leaf({0.3F, -0.1F}, {about(-0.6F, 0.2F, random), 0.15F}, 0.2F));
    return b;
}

/// 0: round wings and a thick body. 1: pointed wings with tails and long feelers.
inline Blueprint butterfly(int detail, tessera::Random& random) {
    Blueprint b;
    const float spread = random.uniform(0.75F, 1.0F), rise = random.uniform(-0.12F, 0.12F);
    for (const float side : {-1.0F, 1.0F}) {
        const float wide = side * spread;
        if (detail == 0) {
            b.add(Role::coat, ellipse({0.4F * wide, 0.38F}, {0.36F, 0.34F}, -0.5F * side));
            b.add(Role::coat, ellipse({0.52F * wide, -0.3F + rise}, {0.52F, 0.4F}, -0.5F * side));
        } else {
            b.add(Role::coat, polygon({{0.02F * side, 0.05F},
                                       {0.75F * wide, 0.3F},
                                       {0.5F * wide, 0.75F},
                                       {0.2F * wide, 0.6F}}));
            b.add(Role::trim,
                  stroke(curve({0.42F * wide, 0.65F}, {0.5F * wide, 0.9F}, {0.68F * wide, 1.05F}),
                         0.09F, 0.05F));
            b.add(Role::coat, polygon({{0.02F * side, -0.1F},
                                       {1.1F * wide, -0.75F + rise},
                                       {0.95F * wide, -0.05F + rise},
                                       {0.1F * side, 0.2F}}));
        }
        const Point tip{side * (detail == 0 ? 0.22F : 0.45F), detail == 0 ? -0.75F : -0.95F};
        b.add(Role::dark, stroke(curve({0, -0.4F}, {0.1F * side, tip.y}, tip), 0.03F, 0.03F));
    }
    const float thick = detail == 0 ? about(0.14F, 0.2F, random) : about(0.08F, 0.2F, random);
    b.add(Role::dark, ellipse({0, 0.1F}, {thick, 0.55F}));
    b.add(Role::trim, ellipse({0, -0.42F}, {1.1F * thick, 1.1F * thick}));
    return b;
}

/// 0: a slender one with a forked tail. 1: a high one with a round tail and spines.
inline Blueprint fish(int detail, tessera::Random& random) {
    Blueprint b;
    if (detail == 0) {
        const float high = about(0.32F, 0.2F, random), fork = about(0.42F, 0.2F, random);
        b.add(Role::trim, polygon({{-0.6F, 0}, {-1.1F, -fork}, {-0.9F, 0}, {-1.1F, fork}}));
        b.add(Role::trim, polygon({{-0.25F, -0.6F * high},
                                   {0.1F, -high - about(0.3F, 0.3F, random)},
                                   {0.3F, -0.6F * high}}));
        b.add(Role::coat, leaf({0.95F, 0}, {-0.85F, 0}, high));
        b.add(Role::trim, leaf({0.2F, 0.08F}, {-0.15F, about(0.45F, 0.2F, random)}, 0.09F));
    } else {
        const float high = about(0.55F, 0.15F, random);
        b.add(Role::trim, ellipse({-0.85F, 0}, {0.3F, about(0.36F, 0.2F, random)}));
        for (int spine = 0; spine < 5; ++spine) {
            const float x = -0.4F + 0.2F * static_cast<float>(spine);
            const Point tip{x - 0.15F, -high - about(0.28F, 0.2F, random)};
            b.add(Role::dark, stroke({{x, -0.6F * high}, tip}, 0.07F, 0.02F));
        }
        b.add(Role::trim, leaf({0, 0.6F * high}, {-0.35F, high + 0.3F}, 0.12F));
        b.add(Role::coat, ellipse({0, 0}, {0.75F, high}, 0, 2.2F));
    }
    const Point eye{detail == 0 ? 0.6F : 0.45F, -0.1F};
    b.add(Role::bright, ellipse(eye, {0.09F, 0.09F}));
    b.add(Role::dark, ellipse(eye + Point{0.01F, 0}, {0.05F, 0.05F}));
    b.add(Role::dark, stroke({{0.62F, 0.14F}, {0.8F, 0.1F}}, 0.02F, 0.02F));
    return b;
}

}  // namespace synthetic
