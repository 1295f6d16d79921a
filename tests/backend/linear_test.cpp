// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "oracle.hpp"
#include "product_tables.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("the reference linear op gives the values worked out by hand") {
    const LinearGeometry g{.batch = 2, .inputs = 2, .outputs = 3};
    const Values x{1, 2, 3, 4}, weights{1, 10, 100, 2, 20, 200}, bias{0.5, 0, 0};
    Values y(6), dx(4), dweights(6), dbias{1, 1, 1};
    reference::Linear::forward(g, x.data(), weights.data(), bias.data(), y.data(), {});
    CHECK(y == Values{5.5, 50, 500, 11.5, 110, 1100});
    const Values dy{1, 0, 0, 0, 1, 2};
    reference::Linear::backward_data(g, weights.data(), dy.data(), dx.data(), {});
    CHECK(dx == Values{1, 2, 210, 420});
    reference::Linear::backward_parameters(g, x.data(), dy.data(), dweights.data(), dbias.data(),
                                           {});
    CHECK(dweights == Values{1, 3, 6, 2, 4, 8});
    CHECK(dbias == Values{2, 2, 3});
}

TEST_CASE("the reference linear op passes a gradient check") {
    Random random({.seed = 1});
    const LinearGeometry g{.batch = 3, .inputs = 5, .outputs = 4};
    auto x = random_values<double>(random, 15), weights = random_values<double>(random, 20);
    auto bias = random_values<double>(random, 4);
    const auto dy = random_values<double>(random, 12);
    Values y(12), dx(15), dweights(20), dbias(4);
    const auto loss = [&] {
        reference::Linear::forward(g, x.data(), weights.data(), bias.data(), y.data(), {});
        return dot(y, dy);
    };
    reference::Linear::backward_data(g, weights.data(), dy.data(), dx.data(), {});
    reference::Linear::backward_parameters(g, x.data(), dy.data(), dweights.data(), dbias.data(),
                                           {});
    CHECK(gradient_error(x, dx, loss) < 1e-6);
    CHECK(gradient_error(weights, dweights, loss) < 1e-6);
    CHECK(gradient_error(bias, dbias, loss) < 1e-6);
}

TEST_CASE_TEMPLATE("a linear op agrees with the reference", Table, TESSERA_PRODUCT_TABLES) {
    using Op = typename Table::Linear;
    Random random({.seed = 2});
    for (int round = 0; round<66; round += 66 / rounds<Table>(66)> 1 ? 11 : 1) {
        // Batches from 1 to 33, most of them twice.
        LinearGeometry g{1 + round % 33, between(random, 1, 300), between(random, 1, 300)};
        if (round == 0) g = {32, 30, 2100};
        if (round == 33) g = {1, 1500, 900};
        if (round == 22) g = {33, 900, 1500};
        if (round == 55) g = {600, 70, 70};
        const int threads = 1 << round % 3;
        CAPTURE(text(g.batch, " of ", g.inputs, " to ", g.outputs, " on ", threads));
        Memory<Op, float> memory(g, threads);
        const auto x = random_values<float>(random, g.batch * g.inputs);
        const auto weights = random_values<float>(random, g.inputs * g.outputs);
        const auto bias = random_values<float>(random, g.outputs);
        const auto dy = random_values<float>(random, g.batch * g.outputs);

        Values expected(dy.size());
        for (const bool biased : {true, false}) {
            auto y = unwritten<float>(g.batch * g.outputs);
            Op::forward(g, x.data(), weights.data(), biased ? bias.data() : nullptr, y.data(),
                        memory);
            reference::Linear::forward(g, widened(x).data(), widened(weights).data(),
                                       biased ? widened(bias).data() : nullptr, expected.data(),
                                       {});
            CHECK(difference(y, expected) < tolerance);
        }

        auto dx = unwritten<float>(g.batch * g.inputs);
        Values expected_dx(dx.size());
        Op::backward_data(g, weights.data(), dy.data(), dx.data(), memory);
        reference::Linear::backward_data(g, widened(weights).data(), widened(dy).data(),
                                         expected_dx.data(), {});
        CHECK(difference(dx, expected_dx) < tolerance);
        Op::backward_data(g, weights.data(), dy.data(), static_cast<float*>(nullptr), memory);

        auto dweights = random_values<float>(random, g.inputs * g.outputs);
        auto dbias = random_values<float>(random, g.outputs);
        Values expected_dweights = widened(dweights), expected_dbias = widened(dbias);
        Op::backward_parameters(g, x.data(), dy.data(), dweights.data(), dbias.data(), memory);
        Op::backward_parameters(g, x.data(), dy.data(), dweights.data(), nullptr, memory);
        for (double* wanted : {expected_dbias.data(), static_cast<double*>(nullptr)}) {
            reference::Linear::backward_parameters(g, widened(x).data(), widened(dy).data(),
                                                   expected_dweights.data(), wanted, {});
        }
        CHECK(difference(dweights, expected_dweights) < tolerance);
        CHECK(difference(dbias, expected_dbias) < tolerance);
    }
}

TEST_CASE_TEMPLATE("a linear op does the ReLU behind it", Table, TESSERA_PRODUCT_TABLES) {
    using Op = typename Table::Linear;
    Random random({.seed = 7});
    for (const int batch : {1, 20}) {
        const LinearGeometry g{batch, 300, 70};
        const auto x = random_values<float>(random, g.batch * g.inputs);
        const auto weights = random_values<float>(random, g.inputs * g.outputs);
        const auto bias = random_values<float>(random, g.outputs);
        auto y = unwritten<float>(g.batch * g.outputs), rectified = y;
        Memory<Op, float> memory(g, 2);
        Op::forward(g, x.data(), weights.data(), bias.data(), y.data(), memory);
        Op::forward(g, x.data(), weights.data(), bias.data(), rectified.data(), memory, true);
        for (float& value : y) value = std::max(value, 0.0f);
        CHECK(rectified == y);
    }
}
