// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "convolution_check.hpp"
#include "oracle.hpp"
#include "tessera/backend/cpu/cpu.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

/// Tiles whatever the batch.
struct Winograd {
    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int threads) {
        return std::max(cpu::WinogradConv::scratch_bytes(g, threads),
                        cpu::WinogradGradient::scratch_bytes(g));
    }
    static void forward(const ConvGeometry& g, const float* x, const float* weights,
                        const float* bias, float* y, const Scratch& scratch, bool rectify = false) {
        cpu::WinogradConv::forward(g, x, weights, bias, y, scratch, rectify);
    }
    static void backward_data(const ConvGeometry& g, const float* weights, const float* dy,
                              float* dx, const Scratch& scratch, const float* rectified = nullptr) {
        cpu::WinogradConv::backward_data(g, weights, dy, dx, scratch, rectified);
    }
    static void backward_parameters(const ConvGeometry& g, const float* x, const float* dy,
                                    float* dweights, float* dbias, const Scratch& scratch) {
        cpu::WinogradGradient::backward_parameters(g, x, dy, dweights, dbias, scratch);
    }
};

ConvGeometry random_tileable(Random& random) {
    ConvGeometry g;
    g.batch = between(random, 1, 9);
    g.groups = between(random, 1, 3);
    g.window = {3, 3, 1, between(random, 0, 2), between(random, 0, 2)};
    g.input = {g.groups * 16 * between(random, 1, 3), between(random, 1, 14),
               between(random, 1, 14)};
    g.output.channels = g.groups * 16 * between(random, 1, 4);
    g.output.height = random_output(random, g.input.height, 3, 1, g.window.pad_top);
    g.output.width = random_output(random, g.input.width, 3, 1, g.window.pad_left);
    return g;
}

ConvGeometry same_size(int batch, int channels, int filters, int height, int width,
                       int groups = 1) {
    return {batch, {channels, height, width}, {filters, height, width}, {3, 3, 1, 1, 1}, groups};
}

bool same_bits(const float* a, const float* b, Index count) {
    return std::memcmp(a, b, static_cast<std::size_t>(count) * sizeof(float)) == 0;
}

/// Outputs and both gradients.
template <class T>
struct Passes {
    std::vector<T> y, dx, dweights, dbias;
    bool operator==(const Passes&) const = default;
};

template <class Op, class T>
Passes<T> run_passes(const ConvGeometry& g, int threads, const std::vector<T>& x,
                     const std::vector<T>& weights, const std::vector<T>& dy) {
    Memory<Op, T> memory(g, threads);
    Passes<T> p{unwritten<T>(g.batch * g.output.size()), unwritten<T>(g.batch * g.input.size()),
                std::vector<T>(weights.size()),
                std::vector<T>(static_cast<std::size_t>(g.output.channels))};
    Op::forward(g, x.data(), weights.data(), nullptr, p.y.data(), memory);
    Op::backward_data(g, weights.data(), dy.data(), p.dx.data(), memory);
    Op::backward_parameters(g, x.data(), dy.data(), p.dweights.data(), p.dbias.data(), memory);
    return p;
}

template <class Op>
auto run_passes(const ConvGeometry& g, int threads = 2) {
    Random random({.seed = 9});
    const auto x = random_values<float>(random, g.batch * g.input.size());
    const auto weights = random_values<float>(random, g.groups * g.depth() * g.filters());
    const auto dy = random_values<float>(random, g.batch * g.output.size());
    return run_passes<Op>(g, threads, x, weights, dy);
}

/// How far the passes are from sums in double, relative to the largest of each.
struct Errors {
    double y = 0, dx = 0, dweights = 0;
};

template <class Op>
Errors errors(const ConvGeometry& g) {
    Errors most;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        Random random({.seed = seed});
        const auto x = random_values<float>(random, g.batch * g.input.size());
        const auto weights = random_values<float>(random, g.groups * g.depth() * g.filters());
        const auto dy = random_values<float>(random, g.batch * g.output.size());
        const auto found = run_passes<Op>(g, 2, x, weights, dy);
        const auto expected =
            run_passes<reference::Conv>(g, 2, widened(x), widened(weights), widened(dy));
        most.y = std::max(most.y, difference(found.y, expected.y));
        most.dx = std::max(most.dx, difference(found.dx, expected.dx));
        most.dweights = std::max(most.dweights, difference(found.dweights, expected.dweights));
    }
    return most;
}

}  // namespace

TEST_CASE("Winograd's matrices make sums of products of values at points") {
    using namespace cpu::detail;
    // In one dimension, y[i] = sum over k of w[k] * x[i + k], for each x and w of one 1.
    for (int at = 0; at < 6; ++at) {
        for (int k = 0; k < 3; ++k) {
            double x[6] = {}, w[3] = {}, inputs[6], weights[6], outputs[4], gradient[3];
            x[at] = w[k] = 1;
            InputStep::apply(x, inputs);
            WeightStep::apply(w, weights);
            for (int p = 0; p < 6; ++p) weights[p] *= inputs[p];
            OutputStep::apply(weights, outputs);
            for (int i = 0; i < 4; ++i) {
                CHECK(std::abs(outputs[i] - (i + k == at)) < 1e-6);
                double dy[4] = {}, gradients[6];
                dy[i] = 1;
                GradientStep::apply(dy, gradients);
                for (int p = 0; p < 6; ++p) gradients[p] *= inputs[p];
                WeightGradientStep::apply(gradients, gradient);
                CHECK(std::abs(gradient[k] - (i + k == at)) < 1e-6);
            }
        }
    }
}

TEST_CASE("Winograd's tiles agree with the reference over random geometries") {
    Random random({.seed = 1});
    for (int round = 0; round < 60; ++round) {
        const ConvGeometry g = random_tileable(random);
        REQUIRE(cpu::is_tileable(g));
        check_convolution<Winograd, float>(g, 1 << round % 3, random);
    }
}

TEST_CASE("Winograd's tiles agree with the reference on special geometries") {
    Random random({.seed = 2});
    const ConvGeometry geometries[] = {
        // One tile with one output; one row of tiles; one column.
        same_size(1, 16, 16, 1, 1), same_size(2, 16, 32, 3, 50), same_size(2, 32, 16, 50, 3),
        // More tiles than have their products computed at once, than are taken at once.
        same_size(15, 16, 16, 13, 13), same_size(130, 512, 16, 5, 1), same_size(130, 16, 512, 5, 1),
        same_size(15, 16, 80, 13, 13), same_size(2, 512, 16, 26, 29), same_size(2, 16, 512, 26, 29),
        // The same of both, and several panels of filters.
        same_size(90, 256, 48, 5, 5),
        // A row of tiles larger than what is taken at once.
        same_size(1, 512, 32, 5, 480),
        // AlexNet's.
        same_size(1, 256, 384, 13, 13), same_size(1, 384, 256, 13, 13, 2)};
    for (const ConvGeometry& g : geometries) {
        check_convolution<Winograd, float>(g, 1 + (g.batch + g.input.height) % 3, random);
    }
}

TEST_CASE("Winograd's tiles round as measured, twice that at most") {
    // Sums over 384 channels, 384 filters, 16 images of 13 x 13: at most 3.7e-6, 3.3e-6 and 2.6e-6
    // of the largest, without FMA, where direct convolutions have 1.9e-6, 2.1e-6 and 1.8e-6.
    CHECK(errors<Winograd>(same_size(1, 384, 16, 13, 13)).y < 7e-6);
    CHECK(errors<Winograd>(same_size(1, 16, 384, 13, 13)).dx < 7e-6);
    CHECK(errors<Winograd>(same_size(16, 16, 16, 13, 13)).dweights < 5e-6);
}

TEST_CASE("Winograd's tiles give the same bits with any number of threads") {
    for (const ConvGeometry& g : {same_size(7, 32, 80, 13, 13), same_size(9, 96, 64, 9, 6, 2)}) {
        const auto one = run_passes<Winograd>(g, 1);
        for (const int threads : {2, 3, 16}) CHECK(run_passes<Winograd>(g, threads) == one);
    }
}

TEST_CASE("Winograd's tiles give an image the same bits in any batch") {
    ConvGeometry g = same_size(20, 48, 32, 14, 11);
    Random random({.seed = 3});
    const auto x = random_values<float>(random, g.batch * g.input.size());
    const auto weights = random_values<float>(random, g.depth() * g.filters());
    const auto dy = random_values<float>(random, g.batch * g.output.size());
    const auto all = run_passes<Winograd>(g, 2, x, weights, dy);
    g.batch = 1;
    for (Index image = 0; image < 20; ++image) {
        const auto part = [image](const std::vector<float>& of, Index size) {
            return std::vector<float>(of.begin() + image * size, of.begin() + (image + 1) * size);
        };
        const Index in = g.input.size(), out = g.output.size();
        const auto alone = run_passes<Winograd>(g, 2, part(x, in), weights, part(dy, out));
        CHECK(same_bits(alone.y.data(), all.y.data() + image * out, out));
        CHECK(same_bits(alone.dx.data(), all.dx.data() + image * in, in));
    }
}

TEST_CASE("Winograd's tiles do the ReLU behind them and the gradient of the one before") {
    Random random({.seed = 4});
    for (int round = 0; round < 10; ++round) {
        const ConvGeometry g = random_tileable(random);
        const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
        const auto x = random_values<float>(random, inputs);
        const auto weights = random_values<float>(random, g.groups * g.depth() * g.filters());
        const auto bias = random_values<float>(random, g.output.channels);
        auto y = unwritten<float>(outputs), rectified = y;
        Memory<Winograd, float> memory(g, 2);
        Winograd::forward(g, x.data(), weights.data(), bias.data(), y.data(), memory);
        Winograd::forward(g, x.data(), weights.data(), bias.data(), rectified.data(), memory, true);
        for (float& value : y) value = std::max(value, 0.0f);
        CHECK(rectified == y);

        const auto dy = random_values<float>(random, outputs);
        auto before = random_values<float>(random, inputs);
        for (std::size_t i = 0; i < before.size(); i += 5) before[i] = i % 2 ? NAN : 0.0f;
        auto dx = unwritten<float>(inputs), passed = dx;
        Winograd::backward_data(g, weights.data(), dy.data(), dx.data(), memory);
        Winograd::backward_data(g, weights.data(), dy.data(), passed.data(), memory, before.data());
        for (std::size_t i = 0; i < dx.size(); ++i) dx[i] = before[i] > 0 ? dx[i] : 0;
        CHECK(same_bits(passed.data(), dx.data(), inputs));
    }
}

TEST_CASE("a NaN reaches all outputs of the tiles that see it, and no others") {
    const ConvGeometry g = same_size(1, 16, 16, 16, 16);
    Random random({.seed = 5});
    auto x = random_values<float>(random, g.input.size());
    const auto weights = random_values<float>(random, g.depth() * g.filters());
    x[static_cast<std::size_t>((5 * 16 + 9) * 16 + 3)] = NAN;  // row 5, column 9
    auto y = unwritten<float>(g.output.size());
    Memory<Winograd, float> memory(g, 1);
    Winograd::forward(g, x.data(), weights.data(), nullptr, y.data(), memory);
    int wrong = 0;
    for (int row = 0; row < 16; ++row) {
        for (int column = 0; column < 16; ++column) {
            // A tile sees a pixel more than its own to each side.
            const bool sees = row / 4 == 1 && column / 4 == 2;
            for (int f = 0; f < 16; ++f) {
                wrong +=
                    std::isnan(y[static_cast<std::size_t>((row * 16 + column) * 16 + f)]) != sees;
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("a convolution goes by tiles where these are many, and CpuDirect never does") {
    struct Case {
        ConvGeometry g;
        bool tiles;
    };
    const Case cases[] = {{same_size(16, 64, 32, 13, 13), true},
                          {same_size(1, 64, 32, 13, 13), false},
                          {same_size(1, 64, 32, 56, 56), true},
                          {same_size(16, 64, 40, 13, 13), false},
                          {same_size(400, 16, 16, 1, 1), false}};
    for (const auto& [g, tiles] : cases) {
        CHECK(cpu::pays_in_tiles(g) == tiles);
        CHECK((run_passes<Cpu::Conv>(g) == run_passes<CpuDirect::Conv>(g)) == !tiles);
        if (tiles) CHECK(run_passes<Cpu::Conv>(g) == run_passes<Winograd>(g));
    }
}

TEST_CASE("working memory for a batch does for all smaller ones") {
    ConvGeometry g = same_size(40, 64, 32, 13, 13);
    Memory<Cpu::Conv, float> memory(g, 2);
    Random random({.seed = 6});
    const auto x = random_values<float>(random, g.batch * g.input.size());
    const auto weights = random_values<float>(random, g.depth() * g.filters());
    const auto dy = random_values<float>(random, g.batch * g.output.size());
    for (; g.batch > 0; g.batch -= 3) {
        const auto expected = run_passes<Cpu::Conv>(g, 2, x, weights, dy);
        auto y = unwritten<float>(g.batch * g.output.size());
        auto dx = unwritten<float>(g.batch * g.input.size());
        std::vector<float> dweights(weights.size());
        Cpu::Conv::forward(g, x.data(), weights.data(), nullptr, y.data(), memory);
        Cpu::Conv::backward_data(g, weights.data(), dy.data(), dx.data(), memory);
        Cpu::Conv::backward_parameters(g, x.data(), dy.data(), dweights.data(), nullptr, memory);
        CHECK(y == expected.y);
        CHECK(dx == expected.dx);
        CHECK(dweights == expected.dweights);
    }
}

TEST_CASE("Winograd's tiles refuse too little working memory") {
    const ConvGeometry g = same_size(2, 16, 16, 8, 8);
    const std::vector<float> x(2 * 16 * 64), weights(9 * 16 * 16);
    std::vector<float> y(x.size());
    const std::size_t bytes = cpu::WinogradConv::scratch_bytes(g, 1);
    Buffer<std::byte> memory(static_cast<Index>(bytes));
    CHECK_THROWS_WITH_AS(
        Winograd::forward(g, x.data(), weights.data(), nullptr, y.data(),
                          {memory.data(), bytes - 1, 1}),
        text("working memory: found ", bytes - 1, " bytes, expected at least ", bytes).c_str(),
        Error);
}
