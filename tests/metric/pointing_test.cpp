// SPDX-License-Identifier: MIT
#include "tessera/metric/pointing.hpp"

#include <doctest/doctest.h>

using namespace tessera;

TEST_CASE("a place is right inside a box, or within the tolerance of one") {
    const std::vector<Box> boxes{{10, 10, 20, 20}, {50, 50, 60, 60}};
    CHECK(points_at(15, 15, boxes));
    CHECK(points_at(59.5, 50.5, boxes));
    CHECK_FALSE(points_at(20, 15, boxes));
    CHECK_FALSE(points_at(30, 30, boxes));
    CHECK(points_at(37.9, 15, boxes, pointing_tolerance));
    CHECK_FALSE(points_at(30, 38.1, std::vector<Box>{boxes[0]}, pointing_tolerance));
    CHECK_FALSE(points_at(0, 0, {}, 100));
}

TEST_CASE("micro counts pairs, macro counts classes that occur") {
    PointingAccuracy accuracy(3);
    CHECK(accuracy.micro() == 0);
    CHECK(accuracy.macro() == 0);
    accuracy.add(0, true);
    accuracy.add(0, true);
    accuracy.add(0, false);
    accuracy.add(2, false);
    CHECK(accuracy.hits(0) == 2);
    CHECK(accuracy.total(1) == 0);
    CHECK(accuracy.micro() == 0.5);
    CHECK(accuracy.macro() == doctest::Approx(1 / 3.0));
    CHECK_THROWS_AS(accuracy.add(3, true), Error);
    CHECK_THROWS_AS(PointingAccuracy(0), Error);
}

TEST_CASE("a wrong place is a false positive and a positive never found") {
    const std::vector<int> labels{1, 1, -1, 0, 1};
    const std::vector<double> scores{5, 4, 3, 2, 1};
    const std::vector<char> all(5, 1), second{1, 0, 1, 1, 1};
    const auto right = pointing_precision_recall(labels, scores, all);
    CHECK(right.precision == precision_recall(labels, scores).precision);
    CHECK(right.recall == precision_recall(labels, scores).recall);
    const auto curve = pointing_precision_recall(labels, scores, second);
    CHECK(curve.positives == 3);
    CHECK(curve.precision == std::vector<double>{1, 0.5, 1 / 3.0, 1 / 3.0, 0.5});
    CHECK(curve.recall.back() == doctest::Approx(2 / 3.0));
    CHECK(average_precision(curve, ApRule::area).value == doctest::Approx((1 + 0.5) / 3));
    // Recall never exceeds 2/3: thresholds 0.7 and above count nothing.
    CHECK(average_precision(curve, ApRule::eleven_point).value ==
          doctest::Approx((4 * 1 + 3 * 0.5) / 11));
}

TEST_CASE("a place for every label, and labels of VOC, are required") {
    const std::vector<double> scores{1, 2};
    CHECK_THROWS_AS(pointing_precision_recall(std::vector{1, -1}, scores, std::vector<char>{1}),
                    Error);
    CHECK_THROWS_AS(pointing_precision_recall(std::vector{1, 5}, scores, std::vector<char>{1, 1}),
                    Error);
}
