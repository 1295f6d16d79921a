// SPDX-License-Identifier: MIT
// Pictures of what a network looked at: the photograph with its objects, beside it the heat map.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "program/scoring.hpp"
#include "tessera/image/codec.hpp"
#include "tessera/image/draw.hpp"
#include "tessera/patch/pointing.hpp"

namespace program {

/// The photograph with `objects` in green, and the map over it with a cross at its maximum. Colours
/// run from 0 to the map's maximum.
inline Image heat_picture(const Image& photograph, const Map& map, std::span<const Box> objects) {
    const Peak peak = find_peak(map);
    Image plain = photograph;
    for (const Box& box : objects) draw_box(plain, box, {0, 220, 0});
    Image heat = overlay(photograph, map, {.high = std::max(peak.value, 1e-6F)});
    draw_cross(heat, peak.x, peak.y, {255, 255, 255});
    const std::vector<Image> both{std::move(plain), std::move(heat)};
    return montage(both, {.columns = 2});
}

}  // namespace program
