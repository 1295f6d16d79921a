// SPDX-License-Identifier: MIT
#include "tessera/patch/sample.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <vector>

using namespace tessera;

TEST_CASE("about the asked share of the background is kept, and all or nothing at the ends") {
    int kept = 0;
    for (std::uint32_t image = 0; image < 200; ++image) {
        for (std::uint32_t patch = 0; patch < 200; ++patch) {
            kept += BackgroundSampling{.seed = 4}.keeps(image, patch);
            CHECK(BackgroundSampling{.fraction = 1}.keeps(image, patch));
            CHECK_FALSE(BackgroundSampling{.fraction = 0}.keeps(image, patch));
        }
    }
    CHECK(std::abs(kept - 4000) < 250);  // four deviations
}

TEST_CASE("the choice depends on seed, epoch, image and patch, and on nothing else") {
    constexpr BackgroundSampling a{.seed = 1};
    static_assert(a.keeps(3, 4) == BackgroundSampling{.seed = 1}.keeps(3, 4));
    auto picked = [](const BackgroundSampling& sampling, bool swapped) {
        std::vector<bool> kept;
        for (std::uint32_t i = 0; i < 400; ++i) {
            kept.push_back(swapped ? sampling.keeps(i, 7) : sampling.keeps(7, i));
        }
        return kept;
    };
    CHECK(picked(a, false) == picked(a, false));
    CHECK(picked(a, false) != picked(a, true));
    CHECK(picked(a, false) != picked({.seed = 2}, false));
    CHECK(picked(a, false) != picked({.seed = 1, .epoch = 1}, false));
}

TEST_CASE("a larger fraction keeps all that a smaller one keeps") {
    for (std::uint32_t patch = 0; patch < 500; ++patch) {
        if (BackgroundSampling{.fraction = 0.1}.keeps(0, patch)) {
            CHECK(BackgroundSampling{.fraction = 0.3}.keeps(0, patch));
        }
    }
}

TEST_CASE("balanced order gives every class its share and uses all of a class before repeating") {
    std::vector<int> labels(1000, 0);
    for (std::size_t i = 0; i < 40; ++i) labels[i * 25] = 1;
    for (std::size_t i = 0; i < 10; ++i) labels[i * 25 + 1] = 3;  // class 2 is empty
    const auto order = balanced_order(labels, 4, 3000, 5);
    std::vector<int> drawn(4, 0);
    std::vector<int> times(1000, 0);
    for (const Index i : order) {
        ++drawn[std::size_t(labels[std::size_t(i)])];
        ++times[std::size_t(i)];
    }
    CHECK(drawn[2] == 0);
    for (const int c : {0, 1, 3}) CHECK(std::abs(drawn[std::size_t(c)] - 1000) < 110);
    for (std::size_t i = 0; i < 1000; ++i) {
        const int expected = drawn[std::size_t(labels[i])];
        const int members = labels[i] == 0 ? 950 : labels[i] == 1 ? 40 : 10;
        CHECK(times[i] >= expected / members);
        CHECK(times[i] <= expected / members + 1);
    }
}

TEST_CASE("balanced order depends on seed and epoch alone") {
    const std::vector<int> labels{0, 1, 1, 0, 2, 2, 2, 1};
    CHECK(balanced_order(labels, 3, 50, 1, 2) == balanced_order(labels, 3, 50, 1, 2));
    CHECK(balanced_order(labels, 3, 50, 1, 2) != balanced_order(labels, 3, 50, 2, 2));
    CHECK(balanced_order(labels, 3, 50, 1, 2) != balanced_order(labels, 3, 50, 1, 3));
    const auto more = balanced_order(labels, 3, 60, 1, 2);
    CHECK(std::vector(more.begin(), more.begin() + 50) == balanced_order(labels, 3, 50, 1, 2));
}

TEST_CASE("labels outside the classes and an empty set are refused") {
    CHECK_THROWS_AS(balanced_order(std::vector<int>{0, 3}, 3, 5, 1), Error);
    CHECK_THROWS_AS(balanced_order(std::vector<int>{-1}, 3, 5, 1), Error);
    CHECK_THROWS_AS(balanced_order({}, 3, 5, 1), Error);
    CHECK(balanced_order({}, 3, 0, 1).empty());
}
