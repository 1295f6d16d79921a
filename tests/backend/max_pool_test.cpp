// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "oracle.hpp"
#include "tables.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("the reference maximum gives the values worked out by hand") {
    // 3x3 windows in steps of 2 over 4x4: the last ones reach beyond.
    const PoolGeometry g{1, {1, 4, 4}, {1, 2, 2}, {3, 3, 2}};
    const Values x{1, 9, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 1, 1, 2, 2};
    Values y(4), dx(16);
    std::vector<std::int32_t> argmax(4);
    reference::MaxPool::forward(g, x.data(), y.data(), argmax.data());
    CHECK(y == Values{9, 7, 9, 2});
    CHECK(argmax == std::vector<std::int32_t>{1, 7, 9, 14});  // ties: the first
    const Values dy{1, 2, 3, 4};
    reference::MaxPool::backward(g, argmax.data(), dy.data(), dx.data());
    CHECK(dx == Values{0, 1, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 4, 0});
}

TEST_CASE_TEMPLATE("NaN wins a maximum, and the first of several", Table, Reference,
                   TESSERA_TABLES) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const PoolGeometry g{1, {1, 1, 4}, {1, 1, 1}, {1, 4, 1}};
    const std::vector<float> x{1, nan, 5, nan};
    float y = 0;
    std::int32_t argmax = -2;
    Table::MaxPool::forward(g, x.data(), &y, &argmax);
    CHECK(std::isnan(y));
    CHECK(argmax == 1);
}

TEST_CASE("the reference maximum passes a gradient check") {
    Random random({.seed = 1});
    for (int round = 0; round < 5; ++round) {
        PoolGeometry g = random_pooling(random);
        g.batch = 2;
        g.input.channels = g.output.channels = 3;
        auto x = random_values<double>(random, g.batch * g.input.size());
        const auto dy = random_values<double>(random, g.batch * g.output.size());
        Values y(dy.size()), dx(x.size());
        std::vector<std::int32_t> argmax(dy.size());
        const auto loss = [&] {
            reference::MaxPool::forward(g, x.data(), y.data(), argmax.data());
            return dot(y, dy);
        };
        loss();
        reference::MaxPool::backward(g, argmax.data(), dy.data(), dx.data());
        CHECK(gradient_error(x, dx, loss, 1e-9) < 1e-6);
    }
}

TEST_CASE_TEMPLATE("a maximum agrees with the reference", Table, TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    Random random({.seed = 2});
    for (int round = 0; round < 120; ++round) {
        const PoolGeometry g = random_pooling(random);
        const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
        const Threads threads(1 << round % 3);
        auto x = random_values<T>(random, inputs);
        for (T& value : x) value = T(std::round(value * 8));  // ties
        if (round % 5 == 0) x[0] = unwritten<T>(1)[0];
        const auto dy = random_values<T>(random, outputs);
        auto y = unwritten<T>(outputs), again = y, dx = unwritten<T>(inputs);
        Values expected(y.size()), expected_dx(dx.size());
        std::vector<std::int32_t> argmax(y.size(), -2), expected_argmax(y.size(), -3);
        Table::MaxPool::forward(g, x.data(), y.data(), argmax.data());
        Table::MaxPool::forward(g, x.data(), again.data(), nullptr);
        Table::MaxPool::backward(g, argmax.data(), dy.data(), dx.data());
        Table::MaxPool::backward(g, argmax.data(), dy.data(), static_cast<T*>(nullptr));
        reference::MaxPool::forward(g, widened(x).data(), expected.data(), expected_argmax.data());
        reference::MaxPool::backward(g, expected_argmax.data(), widened(dy).data(),
                                     expected_dx.data());
        CHECK(difference(y, expected) == 0);
        CHECK(difference(again, expected) == 0);
        CHECK(argmax == expected_argmax);
        CHECK(difference(dx, expected_dx) < tolerance);
    }
}

TEST_CASE_TEMPLATE("a maximum of any number of channels agrees with the reference, NaN and all",
                   Table, TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    Random random({.seed = 3});
    constexpr float infinity = std::numeric_limits<float>::infinity();
    for (const int channels : {1, 3, 7, 15, 16, 17, 31, 33, 63, 64, 65, 96, 130, 256}) {
        for (const double odd : {0.0, 0.003, 0.3}) {
            const PoolGeometry g{2, {channels, 6, 5}, {channels, 3, 2}, {3, 3, 2}};
            CAPTURE(channels);
            auto x = random_values<T>(random, g.batch * g.input.size());
            for (T& value : x) {
                value = T(std::round(value * 4));  // ties, and noughts of both signs
                if (random.uniform() >= odd) continue;
                const T values[] = {T(NAN), T(-infinity), T(infinity)};
                value = values[random.below(3)];
            }
            const Index outputs = g.batch * g.output.size();
            auto y = unwritten<T>(outputs), again = y;
            Values expected(y.size());
            std::vector<std::int32_t> argmax(y.size(), -2), expected_argmax(y.size(), -3);
            Table::MaxPool::forward(g, x.data(), y.data(), argmax.data());
            Table::MaxPool::forward(g, x.data(), again.data(), nullptr);
            reference::MaxPool::forward(g, widened(x).data(), expected.data(),
                                        expected_argmax.data());
            const auto as_expected = [&](const std::vector<T>& found) {
                return std::ranges::equal(found, expected, [](T a, double b) {
                    return double(a) == b || (a != a && b != b);
                });
            };
            CHECK(as_expected(y));
            CHECK(as_expected(again));
            CHECK(argmax == expected_argmax);
        }
    }
}
