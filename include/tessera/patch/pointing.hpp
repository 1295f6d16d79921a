// SPDX-License-Identifier: MIT
// Pointing: the one place of a map where an object is believed to be.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/core/error.hpp"
#include "tessera/image/map.hpp"

namespace tessera {

/// A position in pixels (the centre of the pixel, so half numbers) and the map's value there.
struct Peak {
    double x = 0;
    double y = 0;
    float value = 0;
};

/// The place of the maximum. Maps of patches have flat tops: of all pixels within a millionth of
/// the maximum, the one nearest to their centre of gravity, the first such one in row order.
/// Throws Error for an empty map and for NaN.
inline Peak find_peak(const Map& map) {
    require(!map.empty(), "find_peak: the map is empty");
    float largest = -std::numeric_limits<float>::infinity();
    for (const float value : map.values) {
        require(!std::isnan(value), "find_peak: the map contains NaN");
        largest = std::max(largest, value);
    }
    const float enough = std::isfinite(largest) ? largest - 1e-6F * std::abs(largest) : largest;
    double count = 0, sum_x = 0, sum_y = 0;
    auto each_top = [&](auto&& visit) {
        for (int y = 0; y < map.height; ++y) {
            for (int x = 0; x < map.width; ++x) {
                if (map.at(x, y) >= enough) visit(x, y);
            }
        }
    };
    each_top([&](int x, int y) {
        ++count;
        sum_x += x;
        sum_y += y;
    });
    Peak peak{.value = largest};
    double nearest = std::numeric_limits<double>::infinity();
    each_top([&](int x, int y) {
        const double dx = x - sum_x / count, dy = y - sum_y / count;
        if (dx * dx + dy * dy >= nearest) return;
        nearest = dx * dx + dy * dy;
        peak.x = x + 0.5;
        peak.y = y + 0.5;
    });
    return peak;
}

}  // namespace tessera
