// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "oracle.hpp"
#include "tables.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE_TEMPLATE("rectification keeps what is positive, and NaN", Table, Reference,
                   TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    auto y = unwritten<T>(4), dx = y;
    const std::vector<T> x{T(-1), T(0), T(2), y[0]}, dy{T(5), T(6), T(7), T(8)};
    Table::Relu::forward(4, x.data(), y.data());
    CHECK(std::vector<T>(y.begin(), y.begin() + 3) == std::vector<T>{T(0), T(0), T(2)});
    CHECK(y[3] != y[3]);
    Table::Relu::backward(4, y.data(), dy.data(), dx.data());
    CHECK(dx == std::vector<T>{T(0), T(0), T(7), T(0)});
    Table::Relu::backward(4, y.data(), dy.data(), static_cast<T*>(nullptr));
}

TEST_CASE_TEMPLATE("rectification agrees with the reference, in place too", Table,
                   TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    Random random({.seed = 1});
    for (const Index n : {0, 1, 15, 16, 17, 1000, 40001}) {
        for (const int count : {1, 2, 4}) {
            const Threads threads(count);
            const auto x = random_values<T>(random, n), dy = random_values<T>(random, n);
            auto y = unwritten<T>(n), dx = unwritten<T>(n);
            auto in_place = x, gradient_in_place = dy;
            Values expected_y(y.size()), expected_dx(y.size());
            reference::Relu::forward(n, widened(x).data(), expected_y.data());
            reference::Relu::backward(n, expected_y.data(), widened(dy).data(), expected_dx.data());
            Table::Relu::forward(n, x.data(), y.data());
            Table::Relu::forward(n, in_place.data(), in_place.data());
            Table::Relu::backward(n, y.data(), dy.data(), dx.data());
            Table::Relu::backward(n, y.data(), gradient_in_place.data(), gradient_in_place.data());
            CHECK(widened(y) == expected_y);
            CHECK(in_place == y);
            CHECK(widened(dx) == expected_dx);
            CHECK(gradient_in_place == dx);
        }
    }
}

TEST_CASE("reference rectification passes a gradient check") {
    Values x{-2, -0.5, 0.5, 3}, y(4), dx(4);
    const Values dy{1, 2, 3, 4};
    const auto loss = [&] {
        reference::Relu::forward(4, x.data(), y.data());
        return dot(y, dy);
    };
    loss();
    reference::Relu::backward(4, y.data(), dy.data(), dx.data());
    CHECK(gradient_error(x, dx, loss) < 1e-6);
}
