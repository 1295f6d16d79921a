// SPDX-License-Identifier: MIT
// Heat maps against adding box by box, pixel by pixel.
#include "tessera/patch/heat_map.hpp"

#include <doctest/doctest.h>

#include "tessera/core/random.hpp"
#include "tessera/patch/tile.hpp"

using namespace tessera;

namespace {

std::vector<double> random_scores(std::size_t count) {
    Random random({.seed = 3, .purpose = Purpose::generate});
    std::vector<double> scores(count);
    for (double& score : scores) score = random.uniform(-1, 1);
    return scores;
}

}  // namespace

TEST_CASE("mean and sum equal the direct evaluation for every class") {
    constexpr int width = 53, height = 41;
    constexpr std::size_t classes = 3;
    auto boxes = boxes_of(tile(width, height, Tiling::dense()));
    boxes.push_back({-5, -5, 10.2, 7.7});
    boxes.push_back({60, 0, 70, 10});       // outside
    boxes.push_back({5.2, 5.2, 5.4, 5.4});  // between the centres
    HeatMapper mapper(width, height, boxes);
    const auto scores = random_scores(boxes.size() * classes);
    for (std::size_t c = 0; c < classes; ++c) {
        const Map mean = mapper.map(scores, {.cover = Cover::mean}, c, classes);
        const Map sum = mapper.map(scores, {.cover = Cover::sum, .power = 2}, c, classes);
        double worst = 0;
        for (int y = 0; y < height; ++y) {
            for (int x = 0; x < width; ++x) {
                double total = 0, squares = 0;
                int count = 0;
                for (std::size_t i = 0; i < boxes.size(); ++i) {
                    if (!boxes[i].contains(x + 0.5, y + 0.5)) continue;
                    const double score = scores[i * classes + c];
                    total += score;
                    squares += score * score;
                    ++count;
                }
                CHECK(mapper.coverage().at(x, y) == count);
                worst = std::max(worst, std::abs(mean.at(x, y) - total / count));
                worst = std::max(worst, std::abs(sum.at(x, y) - squares) / count);
            }
        }
        CHECK(worst < 1e-6);
    }
}

TEST_CASE("equal scores give a flat mean, and a sum that follows the coverage") {
    const auto boxes = boxes_of(tile(50, 40));
    HeatMapper mapper(50, 40, boxes);
    const std::vector<float> scores(boxes.size(), 0.25F);
    const Map mean = mapper.map(scores, {.cover = Cover::mean});
    const Map sum = mapper.map(scores, {.cover = Cover::sum});
    for (std::size_t i = 0; i < mean.values.size(); ++i) {
        CHECK(mean.values[i] == 0.25F);
        CHECK(sum.values[i] == 0.25F * mapper.coverage().values[i]);
    }
    CHECK(mapper.coverage().at(0, 0) == 9);
    CHECK(mapper.coverage().at(25, 20) > 20);
}

TEST_CASE("pixels that no patch covers are zero") {
    const std::vector<Box> boxes{{2, 2, 5, 4}, {3, 3, 6, 6}};
    HeatMapper mapper(8, 7, boxes);
    const Map map = mapper.map(std::vector{0.1, 0.7}, {});
    CHECK(map.at(1, 2) == 0);
    CHECK(map.at(7, 6) == 0);
    CHECK(map.at(2, 2) == doctest::Approx(0.1));
    CHECK(map.at(3, 3) == doctest::Approx(0.4));
    CHECK(map.at(5, 5) == doctest::Approx(0.7));
    CHECK(map.at(4, 2) == doctest::Approx(0.1));
    CHECK(map.at(5, 2) == 0);
}

TEST_CASE("scores that do not fit are refused") {
    const std::vector<Box> boxes{{2, 2, 5, 4}};
    HeatMapper mapper(8, 7, boxes);
    CHECK_THROWS_AS(mapper.map(std::vector{0.1, 0.2}, {}), Error);
    CHECK_THROWS_AS(mapper.map(std::vector{0.1, 0.2}, {}, 2, 2), Error);
    CHECK_THROWS_AS(mapper.map(std::vector{std::nan("")}, {}), Error);
    CHECK_THROWS_AS(HeatMapper(0, 7, boxes), Error);
}
