// SPDX-License-Identifier: MIT
// The optimisers' formulas, by hand for one weight.
#include "tessera/train/optimizer.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/reference/reference.hpp"

using namespace tessera;

namespace {

struct Moved {
    double weight, velocity;
};

template <class Backend>
Moved move(const Sgd& optimizer, const Multipliers& factors = {}) {
    double gradient = 0.5, weight = 1, velocity = 0.2;
    const UpdatePiece<double, 1> piece{.count = 1,
                                       .gradient = &gradient,
                                       .state = {&velocity},
                                       .weights = &weight,
                                       .rate = factors.rate,
                                       .decay = factors.decay};
    optimizer.advance<Backend>(std::span(&piece, 1), 1);
    CHECK(gradient == 0);
    return {weight, velocity};
}

template <class Backend>
void check_forms() {
    const Sgd base{.rate = 0.1, .momentum = 0.9, .decay = 0.01};
    auto form = [&](Momentum momentum) {
        Sgd changed = base;
        changed.form = momentum;
        return changed;
    };
    // Decay adds 0.01 * 1 to the gradient of 0.5.
    const Moved krizhevsky = move<Backend>(base);
    CHECK(krizhevsky.velocity == doctest::Approx(0.9 * 0.2 - 0.1 * 0.51));
    CHECK(krizhevsky.weight == doctest::Approx(1.129));
    const Moved classic = move<Backend>(form(Momentum::classic));
    CHECK(classic.velocity == doctest::Approx(0.9 * 0.2 + 0.51));
    CHECK(classic.weight == doctest::Approx(1 - 0.1 * 0.69));
    const Moved nesterov = move<Backend>(form(Momentum::nesterov));
    CHECK(nesterov.velocity == doctest::Approx(0.69));
    CHECK(nesterov.weight == doctest::Approx(1 - 0.1 * (0.51 + 0.9 * 0.69)));

    const Moved faster = move<Backend>(base, {.rate = 2, .decay = 0});
    CHECK(faster.velocity == doctest::Approx(0.9 * 0.2 - 0.2 * 0.5));
    const Moved decayed = move<Backend>(base, {.rate = 1, .decay = 10});
    CHECK(decayed.velocity == doctest::Approx(0.9 * 0.2 - 0.1 * 0.6));
    const Moved still = move<Backend>(form(Momentum::classic), {.rate = 0});
    CHECK(still.weight == 1);
}

template <class Backend>
void check_adamw() {
    const AdamW optimizer{.rate = 0.1, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3, .decay = 0.5};
    double gradient = 0.5, mean = 0.3, square = 0.4, weight = 2;
    const UpdatePiece<double, 2> piece{.count = 1,
                                       .gradient = &gradient,
                                       .state = {&mean, &square},
                                       .weights = &weight,
                                       .rate = 0.5,
                                       .decay = 0.2};
    optimizer.advance<Backend>(std::span(&piece, 1), 3);
    CHECK(gradient == 0);
    const double m = 0.8 * 0.3 + 0.2 * 0.5, v = 0.9 * 0.4 + 0.1 * 0.25;
    CHECK(mean == doctest::Approx(m));
    CHECK(square == doctest::Approx(v));
    const double step = (m / (1 - 0.8 * 0.8 * 0.8)) / (std::sqrt(v / (1 - 0.9 * 0.9 * 0.9)) + 1e-3);
    CHECK(weight == doctest::Approx(2 - 0.05 * 0.1 * 2 - 0.05 * step));

    // Whatever the gradient's size, the first step is as long as the rate.
    for (double slope : {1e-3, 1.0, 1e6}) {
        double first = 0, zero_mean = 0, zero_square = 0;
        const UpdatePiece<double, 2> fresh{
            .count = 1, .gradient = &slope, .state = {&zero_mean, &zero_square}, .weights = &first};
        AdamW{.rate = 0.01}.advance<Backend>(std::span(&fresh, 1), 1);
        CHECK(first == doctest::Approx(-0.01).epsilon(1e-4));
    }
}

}  // namespace

TEST_CASE("each form of momentum is its formula, with factors on rate and decay") {
    check_forms<Reference>();
    check_forms<Cpu>();
}

TEST_CASE("AdamW corrects both means for the step and decays apart from the gradient") {
    check_adamw<Reference>();
    check_adamw<Cpu>();
}
