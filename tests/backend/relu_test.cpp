// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "oracle.hpp"
#include "tables.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE_TEMPLATE("rectification keeps what is positive, and NaN", Table, Reference,
                   TESSERA_TABLES) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> x{-1, 0, 2, nan}, dy{5, 6, 7, 8};
    auto y = unwritten<float>(4), dx = unwritten<float>(4);
    Table::Relu::forward(4, x.data(), y.data());
    CHECK(std::vector<float>(y.begin(), y.begin() + 3) == std::vector<float>{0, 0, 2});
    CHECK(std::isnan(y[3]));
    Table::Relu::backward(4, y.data(), dy.data(), dx.data());
    CHECK(dx == std::vector<float>{0, 0, 7, 0});
    Table::Relu::backward(4, y.data(), dy.data(), static_cast<float*>(nullptr));
}

TEST_CASE_TEMPLATE("rectification agrees with the reference, in place too", Table, TESSERA_TABLES) {
    Random random({.seed = 1});
    for (const Index n : {0, 1, 15, 16, 17, 1000, 40001}) {
        for (const int count : {1, 2, 4}) {
            const Threads threads(count);
            const auto x = random_values<float>(random, n), dy = random_values<float>(random, n);
            auto y = unwritten<float>(n), dx = unwritten<float>(n);
            auto expected_y = y, expected_dx = dx, in_place = x, gradient_in_place = dy;
            reference::Relu::forward(n, x.data(), expected_y.data());
            reference::Relu::backward(n, expected_y.data(), dy.data(), expected_dx.data());
            Table::Relu::forward(n, x.data(), y.data());
            Table::Relu::forward(n, in_place.data(), in_place.data());
            Table::Relu::backward(n, y.data(), dy.data(), dx.data());
            Table::Relu::backward(n, y.data(), gradient_in_place.data(), gradient_in_place.data());
            CHECK(y == expected_y);
            CHECK(in_place == expected_y);
            CHECK(dx == expected_dx);
            CHECK(gradient_in_place == expected_dx);
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
