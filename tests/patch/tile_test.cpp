// SPDX-License-Identifier: MIT
// Tiling: the counts of the paper's scales, and the geometry of the grid.
#include "tessera/patch/tile.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <tuple>
#include <utility>

#include "files.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

constexpr int total(int width, int height, double stride) {
    return tile_count(width, height, paper_lambdas, stride);
}

constexpr int counts[] = {2, 6, 12, 15, 24, 35, 48, 63, 70};

constexpr bool counts_per_scale_hold() {
    for (std::size_t i = 0; i < paper_lambdas.size(); ++i) {
        if (tile_count(500, 375, paper_lambdas[i], 0.5) != counts[i]) return false;
    }
    return true;
}

}  // namespace

static_assert(counts_per_scale_hold());
static_assert(total(500, 375, 0.5) == 275 && total(500, 375, 0.4) == 393);
static_assert(total(500, 375, 0.375) == 419 && total(500, 375, 0.35) == 488);
static_assert(total(500, 333, 0.5) == 315 && total(500, 333, 0.4) == 461);
static_assert(total(500, 333, 0.375) == 477 && total(500, 333, 0.35) == 561);
static_assert(total(500, 500, 0.5) == 198 && total(500, 500, 0.4) == 285);
static_assert(total(500, 500, 0.375) == 285 && total(500, 500, 0.35) == 349);
static_assert(total(375, 500, 0.35) == 488);
// Whole quotients that rounding could push over: (4 - 1) / 0.375 = 8 on a square.
static_assert(tile_count(500, 500, 4, 0.375) == 81 && tile_count(333, 333, 4, 0.375) == 81);
static_assert(tile_count(500, 500, 1, 0.5) == 1 && tile_count(1, 1, 4, 0.5) == 49);

TEST_CASE("tile makes as many patches as are counted, in order") {
    for (const Tiling& tiling : {Tiling::paper(), Tiling::dense()}) {
        for (const auto& [width, height] : {std::pair{500, 375}, {333, 500}, {64, 64}, {1, 900}}) {
            const auto tiles = tile(width, height, tiling);
            CHECK(int(tiles.size()) == tile_count(width, height, tiling.lambdas, tiling.stride));
            for (std::size_t i = 1; i < tiles.size(); ++i) {
                const auto key = [&](const Tile& t) {
                    return std::tuple(t.scale, t.row, t.column);
                };
                CHECK(key(tiles[i - 1]) < key(tiles[i]));
            }
        }
    }
    CHECK(tile(500, 375, Tiling::dense()).size() == 488);
}

TEST_CASE("patches are squares inside the image that reach all four borders") {
    const int width = 500, height = 333;
    std::vector<Box> reach(9, Box{1e9, 1e9, -1e9, -1e9});
    for (const Tile& t : tile(width, height)) {
        const double side = 333 / paper_lambdas[std::size_t(t.scale)];
        CHECK(t.box.width() == doctest::Approx(side));
        CHECK(t.box.height() == doctest::Approx(side));
        CHECK(t.box.left >= 0);
        CHECK(t.box.top >= 0);
        CHECK(t.box.right <= width + 1e-9);
        CHECK(t.box.bottom <= height + 1e-9);
        Box& all = reach[std::size_t(t.scale)];
        all = {std::min(all.left, t.box.left), std::min(all.top, t.box.top),
               std::max(all.right, t.box.right), std::max(all.bottom, t.box.bottom)};
    }
    for (const Box& all : reach) {
        CHECK(all.left == 0);
        CHECK(all.top == 0);
        CHECK(all.right == doctest::Approx(width));
        CHECK(all.bottom == doctest::Approx(height));
    }
}

TEST_CASE("neighbours overlap at least as the stride asks") {
    for (const double stride : {0.5, 0.35, 1.0}) {
        const auto tiles = tile(500, 375, {.stride = stride});
        for (std::size_t i = 1; i < tiles.size(); ++i) {
            const Tile &a = tiles[i - 1], &b = tiles[i];
            if (a.scale != b.scale || a.row != b.row) continue;
            CHECK(b.box.left > a.box.left);
            CHECK(b.box.left - a.box.left <= stride * a.box.width() + 1e-9);
        }
    }
}

TEST_CASE("a square around a person box is centred on it") {
    CHECK(square_around({10, 20, 30, 80}) == Box{-10, 20, 50, 80});
    CHECK(square_around({10, 20, 30, 30}, 1.5) == Box{5, 10, 35, 40});
}

TEST_CASE("boxes_of keeps the order") {
    const auto tiles = tile(50, 40);
    const auto boxes = boxes_of(tiles);
    REQUIRE(boxes.size() == tiles.size());
    CHECK(boxes.back() == tiles.back().box);
}

TEST_CASE("more patches than any use has are refused, and counted without overflow") {
    const auto refused = [](int width, int height, const Tiling& tiling) {
        const std::string message = message_of([&] { tile(width, height, tiling); });
        CHECK(message ==
              message_of([&] { tile_count(width, height, tiling.lambdas, tiling.stride); }));
        return message;
    };
    CHECK(refused(500, 375, {.lambdas = {4}, .stride = 1e-6}) ==
          "tile: found an image of 500 x 375 pixels, lambda 4 and stride 1e-06, expected at most "
          "1000000 patches");
    CHECK(has(refused(500, 375, {.stride = 5e-324}), "and stride 4.94066e-324, expected at most"));
    CHECK(has(refused(65535, 1, {}), "an image of 65535 x 1 pixels, 9 lambdas"));
    CHECK(has(refused(2147483647, 1, {.lambdas = {1}}), "an image of 2147483647 x 1 pixels"));
    CHECK(has(refused(9, 9, {.lambdas = {1e300}}), "lambda 1e+300 and stride 0.5"));
    CHECK(has(refused(9, 9, {.lambdas = {HUGE_VAL}}), "lambda inf and stride 0.5"));
    CHECK(has(refused(99, 9, {.lambdas = std::vector<double>(3000, 4.0)}),
              "an image of 99 x 9 pixels, 3000 lambdas and stride 0.5, expected at most"));
    CHECK_THROWS_AS(tile_count(500, 375, NAN, 0.5), Error);
    CHECK_THROWS_AS(tile_count(500, 375, 2, -1e-9), Error);
    CHECK_THROWS_AS(tile_count(0, 0, 2, 0.5), Error);
    CHECK(tile_count(65535, 65535, paper_lambdas, 0.5) == 198);
    CHECK(tile(999'999, 1, {.lambdas = {1}, .stride = 1}).size() == 999'999);
}

TEST_CASE("tilings that make no sense are refused") {
    CHECK_THROWS_AS(tile(0, 5), Error);
    CHECK_THROWS_AS(tile(5, 5, {.lambdas = {}}), Error);
    CHECK_THROWS_AS(tile(5, 5, {.lambdas = {0.9}}), Error);
    CHECK_THROWS_AS(tile(5, 5, {.lambdas = {2, NAN}}), Error);
    CHECK_THROWS_AS(tile(5, 5, {.stride = NAN}), Error);
    CHECK_THROWS_AS(tile(5, 5, {.stride = 0}), Error);
    CHECK_THROWS_AS(tile(5, 5, {.stride = 1.1}), Error);
}
