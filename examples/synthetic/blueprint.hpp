// SPDX-License-Identifier: MIT
// Blueprint: a thing before it has a pose: its parts from back to front.
#pragma once

#include <utility>
#include <vector>

#include "synthetic/outline.hpp"
#include "tessera/core/random.hpp"

namespace synthetic {

/// What a part is made of. The coat carries the texture that tells fine classes apart.
enum class Role { coat, trim, dark, bright };

struct Part {
    Outline outline;
    Role role = Role::coat;
};

struct Blueprint {
    std::vector<Part> parts;

    void add(Role role, Outline outline) { parts.push_back({std::move(outline), role}); }
};

/// `value` times a random factor within `spread` of one.
inline float about(float value, float spread, tessera::Random& random) {
    return value * random.uniform(1 - spread, 1 + spread);
}

}  // namespace synthetic
