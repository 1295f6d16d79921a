// SPDX-License-Identifier: MIT
// Schedules at known places, and the plateau rule over made-up histories.
#include "tessera/train/schedule.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

using namespace tessera;

TEST_CASE("schedules begin at one and end where they say") {
    CHECK(constant_schedule(0.7) == 1);
    CHECK(step_schedule(0, 30) == 1);
    CHECK(step_schedule(29, 30) == 1);
    CHECK(step_schedule(30, 30) == doctest::Approx(0.1));
    CHECK(step_schedule(89, 30, 0.5) == doctest::Approx(0.25));
    const std::array milestones{0.5, 0.75};
    CHECK(multi_step_schedule(0.4999, milestones) == 1);
    CHECK(multi_step_schedule(0.5, milestones) == doctest::Approx(0.1));
    CHECK(multi_step_schedule(1, milestones, 0.2) == doctest::Approx(0.04));
    CHECK(polynomial_schedule(0) == 1);
    CHECK(polynomial_schedule(0.25, 2) == doctest::Approx(0.5625));
    CHECK(polynomial_schedule(1.5) == 0);
    CHECK(cosine_schedule(0) == doctest::Approx(1));
    CHECK(cosine_schedule(0.5) == doctest::Approx(0.5));
    CHECK(cosine_schedule(1, 0.1) == doctest::Approx(0.1));
    CHECK(cosine_schedule(2) == doctest::Approx(0).epsilon(1e-12));
    CHECK(warm_up(0, 0.1) == 0);
    CHECK(warm_up(0, 0.1, 0.2) == doctest::Approx(0.2));
    CHECK(warm_up(0.05, 0.1) == doctest::Approx(0.5));
    CHECK(warm_up(0.1, 0.1) == 1);
    CHECK(warm_up(0, 0) == 1);
}

TEST_CASE("a loss that keeps falling never drops the rate") {
    std::vector<double> losses;
    for (int epoch = 0; epoch < 50; ++epoch) {
        losses.push_back(3.0 * std::pow(0.99, epoch));
        CHECK(plateau_schedule({}, losses) == 1);
    }
    CHECK_FALSE(plateau_state({}, losses).finished);
    CHECK(plateau_schedule({}, {}) == 1);
}

TEST_CASE(
    "a standstill of three epochs drops the rate, twice, and ends the training the third time") {
    const Plateau rule;
    std::vector<double> losses{2.0};
    std::vector<double> rates;
    std::vector<bool> ends;
    for (int epoch = 0; epoch < 9; ++epoch) {
        losses.push_back(1.995);  // a quarter of a per cent is no improvement
        rates.push_back(plateau_schedule(rule, losses));
        ends.push_back(plateau_state(rule, losses).finished);
    }
    const std::vector<double> expected{1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01};
    for (std::size_t i = 0; i < 9; ++i) CHECK(rates[i] == doctest::Approx(expected[i]));
    CHECK(ends == std::vector<bool>{false, false, false, false, false, false, false, false, true});
}

TEST_CASE("an improvement begins the wait anew, and only the best loss counts") {
    const Plateau rule;
    const std::vector<double> saved{2.0, 2.1, 2.1, 1.9, 2.1, 2.1};
    CHECK(plateau_state(rule, saved).drops == 0);
    const std::vector<double> back_up{2.0, 3.0, 2.9, 2.8};  // falling, but not below the best
    CHECK(plateau_state(rule, back_up).drops == 1);
    const std::vector<double> broken{2.0, NAN, NAN, NAN};
    CHECK(plateau_state(rule, broken).drops == 1);
    const std::vector<double> eager{2.0, 1.5, 1.5, 1.5, 1.5};
    CHECK(plateau_state({.factor = 0.5, .patience = 1, .drops = 1}, eager).finished);
}

TEST_CASE("replayed over any beginning of a history the rule never goes back") {
    std::vector<double> losses;
    int drops = 0;
    for (int epoch = 0; epoch < 40; ++epoch) {
        losses.push_back(1 + std::exp(-0.3 * epoch) + 0.01 * (epoch % 3));
        const PlateauState state = plateau_state({}, losses);
        CHECK(state.drops >= drops);
        CHECK(state.drops <= drops + 1);
        drops = state.drops;
    }
    CHECK(drops == 2);
    CHECK(plateau_state({}, losses).finished);
}
