// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "oracle.hpp"
#include "tables.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("reference normalisation gives the values worked out by hand") {
    const LrnGeometry g{1, {3}, 3, 0.5, 1, 2};
    const Values x{1, 2, 3};
    Values y(3), scale(3);
    reference::Lrn::forward(g, x.data(), y.data(), scale.data());
    CHECK(scale == Values{4.5, 9, 8.5});
    CHECK(difference(y, {1 / 4.5, 2.0 / 9, 3 / 8.5}) < 1e-15);
    // An even size reaches one further to the left.
    const LrnGeometry even{1, {3}, 2, 1, 1, 0};
    reference::Lrn::forward(even, x.data(), y.data(), scale.data());
    CHECK(scale == Values{1, 5, 13});
}

TEST_CASE("reference normalisation passes a gradient check") {
    Random random({.seed = 1});
    for (const int size : {1, 2, 4, 5, 9}) {
        for (const double beta : {0.75, 0.5, 1.3}) {
            const LrnGeometry g{2, {7, 1, 2}, size, 0.3, beta, 1.5};
            auto x = random_values<double>(random, 28);
            const auto dy = random_values<double>(random, 28);
            Values y(28), scale(28), dx(28);
            const auto loss = [&] {
                reference::Lrn::forward(g, x.data(), y.data(), scale.data());
                return dot(y, dy);
            };
            loss();
            reference::Lrn::backward(g, x.data(), y.data(), scale.data(), dy.data(), dx.data());
            CHECK(gradient_error(x, dx, loss) < 1e-6);
        }
    }
}

TEST_CASE_TEMPLATE("normalisation agrees with the reference", Table, TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    Random random({.seed = 2});
    for (int round = 0; round < 90; ++round) {
        LrnGeometry g{random_batch(random),
                      {between(random, 1, 300), between(random, 1, 5), between(random, 1, 5)},
                      between(random, 1, round % 5 == 0 ? 200 : 9),
                      1e-4,
                      round % 3 == 0 ? 0.6 : 0.75,
                      1.0 + round % 2};
        if (round % 4 == 0) g.alpha = 0.5;
        const Index n = g.batch * g.shape.size();
        CAPTURE(text(g.shape, " size ", g.size, " beta ", g.beta));
        const Threads threads(1 << round % 3);
        const auto x = random_values<T>(random, n, -20, 20);
        const auto dy = random_values<T>(random, n);
        auto y = unwritten<T>(n), scale = unwritten<T>(n), dx = unwritten<T>(n);
        auto unscaled = unwritten<T>(n);
        Values expected_y(y.size()), expected_scale(y.size()), expected_dx(y.size());
        Values stored_dx(y.size());
        Table::Lrn::forward(g, x.data(), y.data(), scale.data());
        Table::Lrn::forward(g, x.data(), unscaled.data(), nullptr);
        Table::Lrn::backward(g, x.data(), y.data(), scale.data(), dy.data(), dx.data());
        Table::Lrn::backward(g, x.data(), y.data(), scale.data(), dy.data(),
                             static_cast<T*>(nullptr));
        const Values wide = widened(x), wide_dy = widened(dy);
        reference::Lrn::forward(g, wide.data(), expected_y.data(), expected_scale.data());
        reference::Lrn::backward(g, wide.data(), expected_y.data(), expected_scale.data(),
                                 wide_dy.data(), expected_dx.data());
        // From what the forward pass has stored.
        reference::Lrn::backward(g, wide.data(), widened(y).data(), widened(scale).data(),
                                 wide_dy.data(), stored_dx.data());
        CHECK(difference(y, expected_y) < tolerance);
        CHECK(unscaled == y);
        CHECK(difference(scale, expected_scale) < tolerance);
        CHECK(difference(dx, stored_dx) < tolerance);
        CHECK(difference(dx, expected_dx) < (std::is_same_v<T, Bf16> ? 5e-3 : tolerance));
    }
}
