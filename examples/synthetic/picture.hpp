// SPDX-License-Identifier: MIT
// Pictures of the source: one thing each. Every picture is a function of its name alone.
#pragma once

#include <cstdint>

#include "synthetic/backdrop.hpp"
#include "synthetic/camera.hpp"
#include "synthetic/catalogue.hpp"
#include "tessera/core/random.hpp"
#include "tessera/image/image.hpp"

namespace synthetic {

enum class Split : std::uint32_t { source_train, source_val, target_trainval, target_test };

/// The random numbers of one picture: a pure function of seed, split and the numbers of its class
/// and of itself; independent of order, threads and of how many pictures there are.
inline tessera::Random random_of(std::uint64_t seed, Split split, int label, int index) {
    return tessera::Random(
        {.seed = seed,
         .purpose = tessera::Purpose::generate,
         .epoch = static_cast<std::uint32_t>(split) << 16 | static_cast<std::uint32_t>(label),
         .sample = static_cast<std::uint32_t>(index)});
}

/// A thing of a kind with a build, colours and a shadow of its own.
inline Footprint paint_thing(Canvas& canvas, const Kind& kind, const Pose& pose, int owner,
                             tessera::Random& random) {
    Blueprint thing = blueprint(kind, random);
    deform(thing, 1, random);
    const Look look = random_look(coat_of(kind), random);
    if (random.chance(0.5F)) shade(canvas, pose, random.uniform(0.2F, 0.7F));
    return paint(canvas, thing, pose, look, owner);
}

/// A `size` x `size` picture of one thing that takes most of it.
inline tessera::Image source_picture(const Kind& kind, int size, tessera::Random random) {
    Canvas canvas(oversampling * size, oversampling * size);
    const auto side = static_cast<float>(oversampling * size);
    paint_backdrop(canvas, 0.35F * side, random);
    for (int i = static_cast<int>(random.below(3)); i > 0; --i) {
        const Point at{random.uniform(0, side), random.uniform(0, side)};
        paint_junk(canvas, at, side * random.uniform(0.15F, 0.45F), random);
    }

    Pose pose;
    pose.size = side * random.uniform(0.62F, 1.0F);
    const float play = 0.5F * (side - pose.size) + 0.05F * side, middle = 0.5F * side;
    pose.centre = {middle + random.uniform(-play, play), middle + random.uniform(-play, play)};
    pose.angle = 0.2F * static_cast<float>(random.normal());
    pose.mirrored = random.chance(0.5F);
    paint_thing(canvas, kind, pose, nobody, random);
    if (random.chance(0.2F)) {
        const Point at{random.uniform(0, side), random.uniform(0, side)};
        paint_junk(canvas, at, side * random.uniform(0.12F, 0.3F), random);
    }
    return photograph(canvas, random);
}

}  // namespace synthetic
