// SPDX-License-Identifier: MIT
#include "tessera/patch/aggregate.hpp"

#include <doctest/doctest.h>

#include "tessera/core/random.hpp"

using namespace tessera;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<float> probabilities(std::size_t count) {
    Random random({.seed = 8, .purpose = Purpose::generate});
    std::vector<float> values(count);
    for (float& value : values) value = random.uniform();
    return values;
}

}  // namespace

TEST_CASE("the score is the mean of fifth powers over the patches") {
    PowerMean mean(2);
    mean.add(std::vector<double>{0.5, 0.1, 1.0, 0.2, 0.0, 0.3});
    CHECK(mean.patches() == 3);
    CHECK(mean.scores()[0] == doctest::Approx((1 + 1 / 32.0) / 3));
    CHECK(mean.scores()[1] == doctest::Approx((1e-5 + 32e-5 + 243e-5) / 3));
}

TEST_CASE("power 1 is the plain mean, other powers are what pow says") {
    for (const double power : {1.0, 2.0, 5.0, 7.5}) {
        const auto values = probabilities(60);
        PowerMean mean(3, power);
        mean.add(values);
        for (std::size_t c = 0; c < 3; ++c) {
            double expected = 0;
            for (std::size_t i = c; i < 60; i += 3) expected += std::pow(double(values[i]), power);
            CHECK(mean.scores()[c] == doctest::Approx(expected / 20));
        }
    }
}

TEST_CASE("pieces of any size give the same bits as one piece") {
    const auto values = probabilities(20 * 33);
    PowerMean whole(20), pieces(20);
    LogPowerMean log_whole(20), log_pieces(20);
    whole.add(values);
    log_whole.add(values);
    std::span<const float> rest(values);
    for (const std::size_t rows : {1, 0, 30, 2}) {
        pieces.add(rest.first(rows * 20));
        log_pieces.add(rest.first(rows * 20));
        rest = rest.subspan(rows * 20);
    }
    CHECK(pieces.scores() == whole.scores());
    CHECK(log_pieces.scores() == log_whole.scores());
    pieces.clear();
    pieces.add(values);
    CHECK(pieces.scores() == whole.scores());
}

TEST_CASE("weights give every scale the same say") {
    PowerMean mean(1, 1);
    mean.add(std::vector{0.8}, 1.0);                     // one large patch
    mean.add(std::vector{0.1, 0.2, 0.3, 0.2}, 1.0 / 4);  // four small ones
    CHECK(mean.scores()[0] == doctest::Approx((0.8 + 0.2) / 2));
}

TEST_CASE("logarithms give the logarithm of the same score") {
    const auto values = probabilities(4 * 50);
    std::vector<double> logarithms;
    for (const float value : values) logarithms.push_back(std::log(double(value)));
    PowerMean mean(4);
    LogPowerMean log_mean(4);
    mean.add(values);
    log_mean.add(logarithms);
    for (std::size_t c = 0; c < 4; ++c) {
        CHECK(std::exp(log_mean.scores()[c]) == doctest::Approx(mean.scores()[c]));
    }
}

TEST_CASE("logarithms rank scores far below what a double holds") {
    LogPowerMean mean(3);
    mean.add(std::vector<double>{-1000, -2000, -infinity, -1001, -1000, -infinity});
    const auto scores = mean.scores();
    CHECK(scores[0] == doctest::Approx(-5000 + std::log((1 + std::exp(-5.0)) / 2)));
    CHECK(scores[1] == doctest::Approx(-5000 - std::log(2.0)));
    CHECK(scores[2] == -infinity);
    CHECK(scores[0] > scores[1]);
}

TEST_CASE("bad values and empty means are refused") {
    CHECK_THROWS_AS(PowerMean(0), Error);
    CHECK_THROWS_AS(PowerMean(1, 0), Error);
    CHECK_THROWS_AS(PowerMean(2).scores(), Error);
    CHECK_THROWS_AS(PowerMean(2).add(std::vector{0.1, 0.2, 0.3}), Error);
    CHECK_THROWS_AS(PowerMean(1).add(std::vector{std::nan("")}), Error);
    CHECK_THROWS_AS(PowerMean(1).add(std::vector{-0.1}), Error);
    CHECK_THROWS_AS(PowerMean(1).add(std::vector{0.1}, 0), Error);
    CHECK_THROWS_AS(LogPowerMean(0), Error);
    CHECK_THROWS_AS(LogPowerMean(2).scores(), Error);
    CHECK_THROWS_AS(LogPowerMean(2).add(std::vector{0.1}), Error);
    CHECK_THROWS_AS(LogPowerMean(1).add(std::vector{std::nan("")}), Error);
    CHECK_THROWS_AS(LogPowerMean(1).add(std::vector{infinity}), Error);
}
