// SPDX-License-Identifier: MIT
#include "tessera/patch/pointing.hpp"

#include <doctest/doctest.h>

using namespace tessera;

TEST_CASE("the peak is the centre of the largest pixel") {
    Map map(5, 4);
    map.at(3, 1) = 2;
    map.at(0, 3) = 1.9F;
    const Peak peak = find_peak(map);
    CHECK(peak.x == 3.5);
    CHECK(peak.y == 1.5);
    CHECK(peak.value == 2);
}

TEST_CASE("the peak of a flat top is its middle, not its corner") {
    Map map(9, 9);
    for (int y = 2; y < 7; ++y) {
        for (int x = 1; x < 4; ++x) map.at(x, y) = 1 + 1e-8F * float(x);
    }
    CHECK(find_peak(map).x == 2.5);
    CHECK(find_peak(map).y == 4.5);
}

TEST_CASE("the peak of two tops is on one of them, the first in row order") {
    Map map(9, 3);
    map.at(1, 1) = map.at(7, 1) = 3;
    CHECK(find_peak(map).x == 1.5);
    CHECK(find_peak(map).y == 1.5);
}

TEST_CASE("negative maps and maps of minus infinity have a peak") {
    Map map(3, 1);
    map.values = {-3, -1, -2};
    CHECK(find_peak(map).x == 1.5);
    map.values.assign(3, -std::numeric_limits<float>::infinity());
    CHECK(find_peak(map).x == 1.5);
}

TEST_CASE("an empty map and NaN are refused") {
    CHECK_THROWS_AS(find_peak(Map()), Error);
    Map map(2, 1);
    map.values = {std::numeric_limits<float>::quiet_NaN(), 1};
    CHECK_THROWS_AS(find_peak(map), Error);
}
