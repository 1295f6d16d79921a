// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "convolution_check.hpp"
#include "oracle.hpp"
#include "product_tables.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("the reference convolution gives the values worked out by hand") {
    // One channel, 3x3 image 1..9, 2x2 window, stride 2, padded by one on top and left.
    const ConvGeometry g{
        .batch = 1, .input = {1, 3, 3}, .output = {1, 2, 2}, .window = {2, 2, 2, 1, 1}};
    const Values x{1, 2, 3, 4, 5, 6, 7, 8, 9}, weights{1, 10, 100, 1000}, bias{0.5};
    Values y(4);
    reference::Conv::forward(g, x.data(), weights.data(), bias.data(), y.data(), {});
    CHECK(y == Values{1000.5, 3200.5, 7040.5, 9865.5});
    const Values dy{1, 2, 3, 4};
    Values dx(9), dweights{1, 0, 0, 0}, dbias{1};
    reference::Conv::backward_data(g, weights.data(), dy.data(), dx.data(), {});
    CHECK(dx == Values{1000, 200, 2000, 30, 4, 40, 3000, 400, 4000});
    reference::Conv::backward_parameters(g, x.data(), dy.data(), dweights.data(), dbias.data(), {});
    CHECK(dweights == Values{1 + 4 * 5, 3 * 4 + 4 * 6, 2 * 2 + 4 * 8, 1 + 2 * 3 + 3 * 7 + 4 * 9});
    CHECK(dbias == Values{11});
    reference::Conv::backward_parameters(g, x.data(), dy.data(), dweights.data(), nullptr, {});
    CHECK(dweights == Values{1 + 2 * 4 * 5, 2 * (3 * 4 + 4 * 6), 2 * (2 * 2 + 4 * 8),
                             2 * (1 + 2 * 3 + 3 * 7 + 4 * 9)});
}

TEST_CASE("the reference convolution keeps groups apart") {
    const ConvGeometry g{.batch = 1, .input = {4}, .output = {2}, .groups = 2};
    const Values x{1, 2, 3, 4}, weights{10, 100, 1000, 10000};
    Values y(2);
    reference::Conv::forward(g, x.data(), weights.data(), nullptr, y.data(), {});
    CHECK(y == Values{210, 43000});
}

TEST_CASE("the reference convolution passes a gradient check") {
    Random random({.seed = 3});
    for (int round = 0; round < 6; ++round) {
        ConvGeometry g = random_convolution(random);
        g.batch = 2;
        g.input = {g.groups * 2, std::min(g.input.height, 5), std::min(g.input.width, 5)};
        g.output = {g.groups * 2, std::min(g.output.height, 4), std::min(g.output.width, 4)};
        auto x = random_values<double>(random, g.batch * g.input.size());
        auto weights = random_values<double>(random, g.groups * g.depth() * 2);
        auto bias = random_values<double>(random, g.output.channels);
        const auto dy = random_values<double>(random, g.batch * g.output.size());
        Values y(dy.size()), dx(x.size()), dweights(weights.size()), dbias(bias.size());
        const auto loss = [&] {
            reference::Conv::forward(g, x.data(), weights.data(), bias.data(), y.data(), {});
            return dot(y, dy);
        };
        reference::Conv::backward_data(g, weights.data(), dy.data(), dx.data(), {});
        reference::Conv::backward_parameters(g, x.data(), dy.data(), dweights.data(), dbias.data(),
                                             {});
        CHECK(gradient_error(x, dx, loss) < 1e-6);
        CHECK(gradient_error(weights, dweights, loss) < 1e-6);
        CHECK(gradient_error(bias, dbias, loss) < 1e-6);
    }
}

TEST_CASE_TEMPLATE("a convolution agrees with the reference over random geometries", Table,
                   TESSERA_PRODUCT_TABLES) {
    Random random({.seed = 1});
    for (int round = 0; round < rounds<Table>(120); ++round) {
        const ConvGeometry g = random_convolution(random);
        const int threads = 1 << round % 3;
        check_convolution<typename Table::Conv, float>(g, threads, random);
        if (round % 4 == 0) check_convolution<typename Table::Conv, double>(g, threads, random);
    }
}

TEST_CASE_TEMPLATE("a convolution agrees with the reference on special geometries", Table,
                   TESSERA_PRODUCT_TABLES) {
    Random random({.seed = 2});
    const ConvGeometry geometries[] = {
        // Each pixel is a patch, without and with groups.
        {.batch = 5, .input = {33, 7, 9}, .output = {50, 7, 9}},
        {.batch = 3, .input = {34, 7, 9}, .output = {50, 7, 9}, .groups = 2},
        // Each image is a patch.
        {.batch = 33, .input = {13, 6, 6}, .output = {65, 1, 1}, .window = {6, 6}},
        {.batch = 1, .input = {130, 6, 6}, .output = {200, 1, 1}, .window = {6, 6}},
        // One more row of padding in front makes it an ordinary one.
        {.batch = 4, .input = {3, 6, 6}, .output = {5, 1, 1}, .window = {6, 6, 1, 1, 1}},
        // Several stretches of rows, more than one block in depth and in columns.
        {.batch = 3, .input = {64, 41, 43}, .output = {20, 41, 43}, .window = {3, 3, 1, 1, 1}},
        {.batch = 2, .input = {20, 9, 9}, .output = {400, 9, 9}, .window = {5, 5, 1, 2, 2}},
        // More lines than are taken at once, forward and for the gradient of the weights.
        {.batch = 1, .input = {200, 30, 40}, .output = {10, 30, 40}, .window = {3, 3, 1, 1, 1}},
        {.batch = 2, .input = {4, 60, 90}, .output = {160, 58, 88}, .window = {3, 3}},
        // Weights deeper than half a megabyte a panel; more padding than windows reach.
        {.batch = 1, .input = {600, 6, 5}, .output = {40, 6, 5}, .window = {3, 3, 1, 1, 1}},
        {.batch = 2, .input = {8, 5, 5}, .output = {8, 8, 8}, .window = {2, 2, 1, 2, 2}},
        // AlexNet's first layer at a smaller size: 3 channels, the last window reaches beyond.
        {.batch = 2, .input = {3, 64, 64}, .output = {96, 15, 15}, .window = {11, 11, 4}},
    };
    const bool in_software = rounds<Table>(8) < 8;
    const auto threads = in_software ? std::vector{1} : std::vector{1, 2, 4};
    for (ConvGeometry g : geometries) {
        if (in_software) g.batch = (g.batch + 2) / 3;
        check_convolution<typename Table::Conv, float>(g, threads, random);
    }
}

TEST_CASE_TEMPLATE("a convolution repeats its bits", Table, TESSERA_PRODUCT_TABLES) {
    Random random({.seed = 4});
    const ConvGeometry g{.batch = 4,
                         .input = {32, 20, 20},
                         .output = {64, 20, 20},
                         .window = {3, 3, 1, 1, 1},
                         .groups = 2};
    const auto x = random_values<float>(random, g.batch * g.input.size());
    const auto weights = random_values<float>(random, g.groups * g.depth() * 32);
    const auto dy = random_values<float>(random, g.batch * g.output.size());
    Memory<typename Table::Conv, float> memory(g, 4);
    std::vector<float> first;
    for (int round = 0; round < 4; ++round) {
        std::vector<float> all(x.size() + weights.size() + dy.size());
        float* dx = all.data();
        float* dweights = dx + x.size();
        float* y = dweights + weights.size();
        Table::Conv::forward(g, x.data(), weights.data(), nullptr, y, memory);
        Table::Conv::backward_data(g, weights.data(), dy.data(), dx, memory);
        Table::Conv::backward_parameters(g, x.data(), dy.data(), dweights, nullptr, memory);
        if (round == 0) first = all;
        CHECK(all == first);
    }
}

TEST_CASE_TEMPLATE("a convolution refuses too little working memory", Table,
                   TESSERA_PRODUCT_TABLES) {
    const ConvGeometry g{.batch = 1, .input = {3, 8, 8}, .output = {4, 6, 6}, .window = {3, 3}};
    const std::size_t bytes = Table::Conv::template scratch_bytes<float>(g, 1);
    Buffer<std::byte> memory(static_cast<Index>(bytes));
    const std::vector<float> x(192), weights(108);
    std::vector<float> y(144);
    CHECK_THROWS_WITH_AS(
        Table::Conv::forward(g, x.data(), weights.data(), nullptr, y.data(),
                             {memory.data(), bytes - 1, 1}),
        text("working memory: found ", bytes - 1, " bytes, expected at least ", bytes).c_str(),
        Error);
}

TEST_CASE_TEMPLATE("a convolution does the ReLU behind it", Table, TESSERA_PRODUCT_TABLES) {
    using Op = typename Table::Conv;
    Random random({.seed = 5});
    const ConvGeometry geometries[] = {
        // For CUDA in one piece and in slices.
        {.batch = 1, .input = {3, 8, 8}, .output = {4, 8, 8}},
        {.batch = 1, .input = {300, 8, 8}, .output = {4, 8, 8}},
        // A last panel of its own, one piece of weights and several.
        {.batch = 2, .input = {6, 9, 7}, .output = {44, 5, 4}, .window = {3, 3, 2, 1, 1}},
        {.batch = 1, .input = {600, 6, 5}, .output = {40, 6, 5}, .window = {3, 3, 1, 1, 1}},
    };
    for (const ConvGeometry& g : geometries) {
        const auto x = random_values<float>(random, g.batch * g.input.size());
        const auto weights = random_values<float>(random, g.groups * g.depth() * g.filters());
        auto y = unwritten<float>(g.batch * g.output.size()), rectified = y;
        Memory<Op, float> memory(g, 1);
        Op::forward(g, x.data(), weights.data(), nullptr, y.data(), memory);
        Op::forward(g, x.data(), weights.data(), nullptr, rectified.data(), memory, true);
        for (float& value : y) value = std::max(value, 0.0f);
        CHECK(rectified == y);
    }
}
