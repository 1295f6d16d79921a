// SPDX-License-Identifier: MIT
#include "tessera/metric/top_k.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace tessera;

namespace {

bool in_top(const std::vector<float>& scores, int label, int k) {
    return in_top_k(std::span<const float>(scores), label, k);
}

}  // namespace

TEST_CASE("an answer counts when its score is one of the k highest") {
    const std::vector<float> scores{0.1F, 0.4F, 0.3F, 0.2F};
    CHECK(in_top(scores, 1, 1));
    CHECK_FALSE(in_top(scores, 2, 1));
    CHECK(in_top(scores, 2, 2));
    CHECK_FALSE(in_top(scores, 0, 3));
    CHECK(in_top(scores, 0, 4));
    CHECK(in_top(scores, 0, 100));
}

TEST_CASE("ties count against the answer whatever the order of the classes") {
    const std::vector<float> scores{0.5F, 0.5F, 0.5F, 0.9F};
    for (int label = 0; label < 3; ++label) {
        CHECK_FALSE(in_top(scores, label, 1));
        CHECK_FALSE(in_top(scores, label, 3));
        CHECK(in_top(scores, label, 4));
    }
    CHECK_FALSE(in_top({0, 0, 0}, 0, 1));
}

TEST_CASE("NaN never helps") {
    const float nan = std::nanf("");
    CHECK_FALSE(in_top({nan, 1, 2}, 0, 3));
    CHECK_FALSE(in_top({nan, 1, 0}, 1, 1));
    CHECK(in_top({nan, 1, 0}, 1, 2));
    CHECK_FALSE(in_top({nan, nan, nan}, 2, 3));
}

TEST_CASE("batches are counted together") {
    TopK top1(1), top2(2);
    CHECK(top1.accuracy() == 0);
    for (TopK* top : {&top1, &top2}) {
        top->add(std::vector{0.7, 0.2, 0.1, 0.1, 0.2, 0.7}, {0, 1});
        top->add(std::vector{0.5, 0.3, 0.2}, {2});
        top->add(std::vector<double>{}, {});
    }
    CHECK(top1.total() == 3);
    CHECK(top1.correct() == 1);
    CHECK(top2.correct() == 2);
    CHECK(top2.accuracy() == doctest::Approx(2 / 3.0));
}

TEST_CASE("sizes and labels that do not fit are refused") {
    CHECK_THROWS_AS(TopK(0), Error);
    CHECK_THROWS_AS(TopK(1).add(std::vector{0.1, 0.2, 0.3}, {0, 1}), Error);
    CHECK_THROWS_AS(TopK(1).add(std::vector{0.1, 0.2}, {2}), Error);
    CHECK_THROWS_AS(TopK(1).add(std::vector{0.1, 0.2}, {-1}), Error);
    CHECK_THROWS_AS(TopK(1).add(std::vector<double>{}, {0}), Error);
}
