// SPDX-License-Identifier: MIT
// Blueprints of nothing in particular: what a detector must learn to pass over.
#pragma once

#include "synthetic/blueprint.hpp"

namespace synthetic {

/// No class at all: a few parts of everything in no order.
inline Blueprint junk(tessera::Random& random) {
    Blueprint b;
    const int parts = 1 + static_cast<int>(random.below(5));
    for (int i = 0; i < parts; ++i) {
        const Point at{random.uniform(-0.7F, 0.7F), random.uniform(-0.7F, 0.7F)};
        const Point size{random.uniform(0.12F, 0.6F), random.uniform(0.12F, 0.6F)};
        const float angle = random.uniform(0, 6.28F);
        const Role role = static_cast<Role>(i == 0 ? 0U : random.below(4));
        const Point tip = at + turned({1.3F * size.x, 0}, angle);
        switch (random.below(6)) {
            case 0:
                b.add(role, ellipse(at, size, angle, random.uniform(1.6F, 5)));
                break;
            case 1:
                b.add(role, rectangle(at, size));
                break;
            case 2:
                b.add(role, leaf(at, tip, 0.5F * size.y));
                break;
            case 3:
                b.add(role, ring(at, size + Point{0.1F, 0.1F}, 0.12F));
                break;
            case 4:
                b.add(role, stroke(curve(at, at + Point{size.y, -size.x}, tip), 0.12F, 0.06F));
                break;
            default:
                b.add(role,
                      polygon({at + turned({size.x, 0}, angle), at + turned({size.y, 0}, angle + 2),
                               at + turned({size.x, 0}, angle + 4.3F)}));
        }
    }
    return b;
}

}  // namespace synthetic
