// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "oracle.hpp"
#include "tables.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("the reference mean counts what lies inside") {
    const PoolGeometry g{1, {1, 3, 3}, {1, 2, 2}, {2, 2, 2}};
    const Values x{1, 2, 3, 4, 5, 6, 7, 8, 9};
    Values y(4), dx(9);
    reference::AveragePool::forward(g, x.data(), y.data());
    CHECK(y == Values{3, 4.5, 7.5, 9});
    const Values dy{4, 2, 6, 5};
    reference::AveragePool::backward(g, dy.data(), dx.data());
    CHECK(dx == Values{1, 1, 1, 1, 1, 1, 3, 3, 5});
}

TEST_CASE("the reference mean passes a gradient check") {
    Random random({.seed = 1});
    for (int round = 0; round < 5; ++round) {
        PoolGeometry g = random_pooling(random);
        g.batch = 2;
        g.input.channels = g.output.channels = 3;
        auto x = random_values<double>(random, g.batch * g.input.size());
        const auto dy = random_values<double>(random, g.batch * g.output.size());
        Values y(dy.size()), dx(x.size());
        const auto loss = [&] {
            reference::AveragePool::forward(g, x.data(), y.data());
            return dot(y, dy);
        };
        reference::AveragePool::backward(g, dy.data(), dx.data());
        CHECK(gradient_error(x, dx, loss) < 1e-6);
    }
}

TEST_CASE_TEMPLATE("a mean agrees with the reference", Table, TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    Random random({.seed = 2});
    for (int round = 0; round < 120; ++round) {
        const PoolGeometry g = random_pooling(random);
        const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
        const Threads threads(1 << round % 3);
        const auto x = random_values<T>(random, inputs);
        const auto dy = random_values<T>(random, outputs);
        auto y = unwritten<T>(outputs), dx = unwritten<T>(inputs);
        Values expected(y.size()), expected_dx(dx.size());
        Table::AveragePool::forward(g, x.data(), y.data());
        Table::AveragePool::backward(g, dy.data(), dx.data());
        Table::AveragePool::backward(g, dy.data(), static_cast<T*>(nullptr));
        reference::AveragePool::forward(g, widened(x).data(), expected.data());
        reference::AveragePool::backward(g, widened(dy).data(), expected_dx.data());
        CHECK(difference(y, expected) < tolerance);
        CHECK(difference(dx, expected_dx) < tolerance);
    }
}
