// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "oracle.hpp"
#include "tables.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE_TEMPLATE("softmax gives known values and does not overflow", Table, Reference,
                   TESSERA_TABLES) {
    const Values x{0, std::log(3.0), 1000, 1000, -2000, 0};
    Values y(6);
    Table::Softmax::forward(3, 2, x.data(), y.data());
    CHECK(difference(y, {0.25, 0.75, 0.5, 0.5, 0, 1}) < 1e-12);
}

TEST_CASE_TEMPLATE("a NaN makes its row of a softmax NaN and no other", Table, Reference,
                   TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    for (const std::size_t place : {0, 20, 39}) {
        auto y = unwritten<T>(120);
        std::vector<T> x(120, T(1));
        x[40 + place] = y[0];
        Table::Softmax::forward(3, 40, x.data(), y.data());
        for (std::size_t i = 0; i < 120; ++i) CHECK((y[i] != y[i]) == (i / 40 == 1));
    }
}

TEST_CASE("reference softmax passes a gradient check") {
    Random random({.seed = 1});
    auto x = random_values<double>(random, 15, -3, 3);
    const auto dy = random_values<double>(random, 15);
    Values y(15), dx(15);
    const auto loss = [&] {
        reference::Softmax::forward(3, 5, x.data(), y.data());
        return dot(y, dy);
    };
    loss();
    reference::Softmax::backward(3, 5, y.data(), dy.data(), dx.data());
    CHECK(gradient_error(x, dx, loss) < 1e-6);
}

TEST_CASE_TEMPLATE("softmax agrees with the reference", Table, TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    Random random({.seed = 2});
    for (int round = 0; round < 30; ++round) {
        const Index rows = random_batch(random), channels = between(random, 1, 1200);
        const Index n = rows * channels;
        const Threads threads(1 << round % 3);
        const auto x = random_values<T>(random, n, -30, 30);
        const auto dy = random_values<T>(random, n);
        auto y = unwritten<T>(n), dx = unwritten<T>(n);
        Values expected(y.size()), expected_dx(y.size());
        Table::Softmax::forward(rows, channels, x.data(), y.data());
        Table::Softmax::backward(rows, channels, y.data(), dy.data(), dx.data());
        Table::Softmax::backward(rows, channels, y.data(), dy.data(), static_cast<T*>(nullptr));
        reference::Softmax::forward(rows, channels, widened(x).data(), expected.data());
        // From the same y: with one channel the gradient is all rounding.
        reference::Softmax::backward(rows, channels, widened(y).data(), widened(dy).data(),
                                     expected_dx.data());
        CHECK(difference(y, expected) < tolerance);
        if (channels > 1) CHECK(difference(dx, expected_dx) < tolerance);
    }
}
