// SPDX-License-Identifier: MIT
// Sorting places instead of things. Every std::sort of another type of thing costs a user's unit
// ten milliseconds and a megabyte; this is one for all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <string_view>
#include <vector>

namespace tessera {

/// 0 .. count - 1 in the order of `before(a, b)`: a strict order of the things at these places.
/// Equal things stay in the order of their places.
inline std::vector<std::size_t> sorted_places(
    std::size_t count, const std::function<bool(std::size_t, std::size_t)>& before) {
    std::vector<std::size_t> places(count);
    std::iota(places.begin(), places.end(), std::size_t{0});
    std::sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
        return before(a, b) || (a < b && !before(b, a));
    });
    return places;
}

/// A name that occurs twice, or null.
inline const std::string_view* repeated_name(std::vector<std::string_view>& names) {
    std::sort(names.begin(), names.end());
    const auto twin = std::adjacent_find(names.begin(), names.end());
    return twin == names.end() ? nullptr : &*twin;
}

}  // namespace tessera
