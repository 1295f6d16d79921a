// SPDX-License-Identifier: MIT
// Tiling: square patches of an image at several scales (Oquab et al. 2014, section 3.2).
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "tessera/core/box.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/shape.hpp"

namespace tessera {

/// The paper's scales: a patch's side is min(width, height) / lambda. (Its text says eight; the
/// list has nine.)
inline constexpr std::array<double, 9> paper_lambdas{1, 1.3, 1.6, 2, 2.4, 2.8, 3.2, 3.6, 4};

/// An image of more patches is an Error: a tiny stride, or a strip of thousands of pixels by one,
/// would ask for billions.
inline constexpr int most_tiles = 1'000'000;

struct Tiling {
    std::vector<double> lambdas{paper_lambdas.begin(), paper_lambdas.end()};
    /// From one patch to the next, as a fraction of its side.
    double stride = 0.5;

    /// Neighbours overlap by the paper's minimum of one half: 275 patches on 500 x 375.
    static Tiling paper() { return {}; }
    /// The paper's "about 500 patches": 488 on 500 x 375.
    static Tiling dense() { return {.stride = 0.35}; }
};

/// A patch and where it comes from: lambdas[scale], then row and column of that scale's grid.
struct Tile {
    Box box;
    int scale = 0;
    int row = 0;
    int column = 0;
};

namespace detail {

/// How many patches of `side` cover an axis: ceil((length - side) / step) + 1. More than most_tiles
/// where that is no number an image can have.
constexpr Index axis_count(double length, double side, double step) {
    // A quotient that is whole but for rounding must not gain a patch.
    const double steps = (length - side) / step - 1e-9;
    // Neither may be cast: what no integer holds, and what is not a number.
    if (!(steps > -1 && steps < most_tiles)) return Index{most_tiles} + 1;
    const auto whole = static_cast<Index>(steps);
    return (steps > whole ? whole + 1 : whole) + 1;
}

/// The side of the patches of one scale.
constexpr double tile_side(int width, int height, double lambda) {
    return std::min(width, height) / lambda;
}

}  // namespace detail

/// Columns times rows of the grid of one scale, for an image of width x height pixels. Throws Error
/// for more than most_tiles.
constexpr int tile_count(int width, int height, double lambda, double stride) {
    const double side = detail::tile_side(width, height, lambda);
    const Index count = detail::axis_count(width, side, stride * side) *
                        detail::axis_count(height, side, stride * side);
    if (count > most_tiles) {
        fail("tile: found an image of ", width, " x ", height, " pixels, lambda ", lambda,
             " and stride ", stride, ", expected at most ", most_tiles, " patches");
    }
    return static_cast<int>(count);
}

/// Over all scales. Throws Error for more than most_tiles.
constexpr int tile_count(int width, int height, std::span<const double> lambdas, double stride) {
    int count = 0;
    for (const double lambda : lambdas) {
        count += tile_count(width, height, lambda, stride);
        if (count > most_tiles) {
            fail("tile: found an image of ", width, " x ", height, " pixels, ", lambdas.size(),
                 " lambdas and stride ", stride, ", expected at most ", most_tiles, " patches");
        }
    }
    return count;
}

/// All patches of an image: scale after scale, rows from the top, columns from the left. The grid
/// starts at the top left corner; its last row and column are moved back to end at the border.
/// Sides and positions are fractional. Throws Error for an empty image, no scale, a lambda below 1,
/// a stride outside (0, 1] or more than most_tiles.
inline std::vector<Tile> tile(int width, int height, const Tiling& tiling = {}) {
    require(width > 0 && height > 0, "tile: the image is ", width, " x ", height);
    require(!tiling.lambdas.empty(), "tile: the list of lambdas is empty");
    require(tiling.stride > 0 && tiling.stride <= 1, "tile: the stride is ", tiling.stride,
            ", expected more than 0 and at most 1");
    for (const double lambda : tiling.lambdas) {
        require(lambda >= 1, "tile: a lambda is ", lambda, ", expected at least 1");
    }
    const int count = tile_count(width, height, tiling.lambdas, tiling.stride);
    std::vector<Tile> tiles;
    tiles.reserve(static_cast<std::size_t>(count));
    for (std::size_t scale = 0; scale < tiling.lambdas.size(); ++scale) {
        const double side = detail::tile_side(width, height, tiling.lambdas[scale]);
        const double step = tiling.stride * side;
        const auto columns = static_cast<int>(detail::axis_count(width, side, step));
        const auto rows = static_cast<int>(detail::axis_count(height, side, step));
        for (int row = 0; row < rows; ++row) {
            const double top = std::min(row * step, height - side);
            for (int column = 0; column < columns; ++column) {
                const double left = std::min(column * step, width - side);
                tiles.push_back(
                    {{left, top, left + side, top + side}, static_cast<int>(scale), row, column});
            }
        }
    }
    return tiles;
}

/// The boxes alone.
inline std::vector<Box> boxes_of(std::span<const Tile> tiles) {
    std::vector<Box> boxes(tiles.size());
    std::transform(tiles.begin(), tiles.end(), boxes.begin(), [](const Tile& t) { return t.box; });
    return boxes;
}

/// The square around a box's centre whose side is `margin` times the box's longer side: the patch
/// of a person in action recognition (section 4). It may leave the image; resize() and crop()
/// continue the image there by its mirror image.
constexpr Box square_around(const Box& box, double margin = 1) {
    const double half = margin * std::max(box.width(), box.height()) / 2;
    const double x = (box.left + box.right) / 2;
    const double y = (box.top + box.bottom) / 2;
    return {x - half, y - half, x + half, y + half};
}

}  // namespace tessera
