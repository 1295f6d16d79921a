// SPDX-License-Identifier: MIT
// Convolution and linear op of the processor in bfloat16, beside the reference in double on the
// same numbers: what is left is the rounding of sums in float and, of outputs, to bfloat16.
#include <doctest/doctest.h>

#include <vector>

#include "oracle.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/reference/reference.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

/// All passes of an op, on each number of threads, beside the reference's; `ReLU` is asked for
/// where the op takes it. The reference takes most of the time and is asked once, as in
/// convolution_check.hpp.
template <class Op, class Oracle, class Geometry>
void check_passes(const Geometry& g, Index inputs, Index weight_count, Index outputs, Index biases,
                  const std::vector<int>& numbers_of_threads, Random& random) {
    const auto x = random_values<Bf16>(random, inputs);
    const auto weights = random_values<Bf16>(random, weight_count);
    const auto bias = random_values<Bf16>(random, biases);
    const auto dy = random_values<Bf16>(random, outputs);
    const auto first_dweights = random_values<float>(random, weight_count);
    const auto first_dbias = random_values<float>(random, biases);

    Values plain(dy.size()), biased(dy.size()), expected_dx(x.size());
    Oracle::forward(g, widened(x).data(), widened(weights).data(), nullptr, plain.data(), {});
    for (std::size_t i = 0; i < plain.size(); ++i) {
        biased[i] = plain[i] + static_cast<double>(bias[i % bias.size()]);
    }
    Oracle::backward_data(g, widened(weights).data(), widened(dy).data(), expected_dx.data(), {});
    Values expected_dweights(weights.size()), expected_dbias = widened(first_dbias);
    Oracle::backward_parameters(g, widened(x).data(), widened(dy).data(), expected_dweights.data(),
                                expected_dbias.data(), {});
    for (std::size_t i = 0; i < weights.size(); ++i) {
        expected_dweights[i] = first_dweights[i] + 2 * expected_dweights[i];
    }

    for (const int threads : numbers_of_threads) {
        CAPTURE(threads);
        Memory<Op, Bf16> memory(g, threads);
        for (const bool with_bias : {true, false}) {
            auto y = unwritten<Bf16>(outputs), rectified = y;
            const Bf16* added = with_bias ? bias.data() : nullptr;
            Op::forward(g, x.data(), weights.data(), added, y.data(), memory);
            Op::forward(g, x.data(), weights.data(), added, rectified.data(), memory, true);
            CHECK(difference(y, with_bias ? biased : plain) < tolerance);
            for (Bf16& value : y) value = std::max<float>(value, 0) == 0 ? Bf16(0.0f) : value;
            CHECK(widened(rectified) == widened(y));
        }

        auto dx = unwritten<Bf16>(inputs);
        Op::backward_data(g, weights.data(), dy.data(), dx.data(), memory);
        CHECK(difference(dx, expected_dx) < tolerance);
        Op::backward_data(g, weights.data(), dy.data(), static_cast<Bf16*>(nullptr), memory);
        if constexpr (requires { Op::takes_relu_gradient; }) {
            auto found = unwritten<Bf16>(inputs);
            Op::backward_data(g, weights.data(), dy.data(), found.data(), memory, x.data());
            for (std::size_t i = 0; i < x.size(); ++i) {
                if (!(x[i] > 0)) dx[i] = Bf16(0.0f);
            }
            CHECK(widened(found) == widened(dx));
        }

        // Parameter gradients are float and join what is there.
        auto dweights = first_dweights, dbias = first_dbias;
        Op::backward_parameters(g, x.data(), dy.data(), dweights.data(), dbias.data(), memory);
        Op::backward_parameters(g, x.data(), dy.data(), dweights.data(), nullptr, memory);
        CHECK(difference(dweights, expected_dweights) < tolerance);
        CHECK(difference(dbias, expected_dbias) < tolerance);
    }
}

void check_convolution(const ConvGeometry& g, const std::vector<int>& threads, Random& random) {
    CAPTURE(text(g.batch, " of ", g.input, " to ", g.output, " in ", g.groups, " groups"));
    CAPTURE(text(g.window.height, "x", g.window.width, "/", g.window.stride, " padded ",
                 g.window.pad_top, ", ", g.window.pad_left));
    check_passes<Cpu::Conv, reference::Conv>(
        g, g.batch * g.input.size(), g.groups * g.depth() * g.filters(), g.batch * g.output.size(),
        g.output.channels, threads, random);
}

}  // namespace

TEST_CASE("a convolution in bfloat16 agrees with the reference over random geometries") {
    Random random({.seed = 1});
    for (int round = 0; round < 120; ++round) {
        check_convolution(random_convolution(random), {1 << round % 3}, random);
    }
}

TEST_CASE("a convolution in bfloat16 agrees with the reference on special geometries") {
    Random random({.seed = 2});
    const ConvGeometry geometries[] = {
        // Each pixel is a patch, without and with groups.
        {.batch = 5, .input = {33, 7, 9}, .output = {50, 7, 9}},
        {.batch = 3, .input = {34, 7, 9}, .output = {50, 7, 9}, .groups = 2},
        // Each image is a patch.
        {.batch = 33, .input = {13, 6, 6}, .output = {65, 1, 1}, .window = {6, 6}},
        {.batch = 1, .input = {130, 6, 6}, .output = {200, 1, 1}, .window = {6, 6}},
        // Lines that are read where they are; more than are taken at once.
        {.batch = 2, .input = {64, 9, 30}, .output = {33, 7, 28}, .window = {3, 3}},
        {.batch = 1, .input = {200, 30, 40}, .output = {10, 30, 40}, .window = {3, 3, 1, 1, 1}},
        {.batch = 3, .input = {4, 60, 90}, .output = {160, 58, 88}, .window = {3, 3}},
        // Weights deeper than half a megabyte a panel; more padding than windows reach.
        {.batch = 1, .input = {600, 6, 5}, .output = {40, 6, 5}, .window = {3, 3, 1, 1, 1}},
        {.batch = 2, .input = {8, 5, 5}, .output = {8, 8, 8}, .window = {2, 2, 1, 2, 2}},
        // AlexNet's first layer at a smaller size: 3 channels, the last window reaches beyond.
        {.batch = 3, .input = {3, 64, 64}, .output = {96, 15, 15}, .window = {11, 11, 4}},
        // One image, pairs of rows: an odd number of these, above the image, several blocks.
        {.batch = 1, .input = {3, 64, 64}, .output = {96, 17, 17}, .window = {11, 11, 4, 5, 5}},
        {.batch = 1, .input = {4, 61, 90}, .output = {160, 59, 88}, .window = {3, 3}},
        {.batch = 1,
         .input = {18, 9, 9},
         .output = {40, 13, 13},
         .window = {5, 5, 1, 4, 4},
         .groups = 2},
    };
    for (const ConvGeometry& g : geometries) check_convolution(g, {1, 2, 4}, random);
}

TEST_CASE("a linear op in bfloat16 agrees with the reference") {
    Random random({.seed = 3});
    const auto check = [&](const LinearGeometry& g, const std::vector<int>& threads) {
        CAPTURE(text(g.batch, " of ", g.inputs, " to ", g.outputs));
        check_passes<Cpu::Linear, reference::Linear>(g, g.batch * g.inputs, g.inputs * g.outputs,
                                                     g.batch * g.outputs, g.outputs, threads,
                                                     random);
    };
    // Even and odd, few rows, several blocks of the depth, rows that are multiples of a page apart.
    for (const LinearGeometry& g :
         {LinearGeometry{8, 64, 32}, LinearGeometry{7, 65, 21}, LinearGeometry{1, 1, 1},
          LinearGeometry{33, 1100, 200}, LinearGeometry{2, 1501, 72}, LinearGeometry{300, 40, 24},
          LinearGeometry{9, 2048, 34}, LinearGeometry{70, 30, 1029},
          LinearGeometry{32, 30, 2100}}) {
        check(g, {1, 2, 4});
    }
    for (int round = 0; round < 40; ++round) {
        check({random_batch(random), between(random, 1, 300), between(random, 1, 300)},
              {1 << round % 3});
    }
}

TEST_CASE("a NaN reaches the outputs whose windows hold it and no others") {
    const ConvGeometry g{.batch = 2, .input = {3, 9, 9}, .output = {5, 7, 7}, .window = {3, 3}};
    Random random({.seed = 4});
    auto x = random_values<Bf16>(random, g.batch * g.input.size());
    x[static_cast<std::size_t>((4 * 9 + 4) * 3 + 1)] = unwritten<Bf16>(1)[0];
    const auto weights = random_values<Bf16>(random, g.depth() * 5);
    auto y = unwritten<Bf16>(g.batch * g.output.size());
    Memory<Cpu::Conv, Bf16> memory(g, 1);
    y[0] = Bf16(0.0f);
    Cpu::Conv::forward(g, x.data(), weights.data(), nullptr, y.data(), memory);
    for (Index i = 0; i < g.batch * g.output.size(); ++i) {
        const Index ox = i / 5 % 7, oy = i / 35 % 7;
        const bool holds = i < g.output.size() && ox >= 2 && ox <= 4 && oy >= 2 && oy <= 4;
        const float value = y[static_cast<std::size_t>(i)];
        CHECK((value != value) == holds);
    }
}

TEST_CASE("numbers are rounded to bfloat16 as one by one, NaN and infinity too") {
    Random random({.seed = 5});
    auto x = random_values<float>(random, 100, -1e3, 1e3);
    x[3] = NAN;
    x[40] = -INFINITY;
    x[41] = 3.4e38F;
    x[50] = 1.00390625F;
    x[51] = 1.01171875F;
    std::vector<Bf16> y(100), lanes(100);
    Cpu::Narrow::forward(100, x.data(), y.data());
    cpu::with_tile<cpu::Pair>([&](auto tile) {
        for (std::size_t i = 0; i + 32 <= 100; i += 16) {
            constexpr std::size_t step = decltype(tile)::columns;
            for (std::size_t k = 0; k < 32; k += step) {
                tile.narrow(x.data() + i + k, lanes.data() + i + k);
            }
        }
    });
    for (std::size_t i = 0; i < 96; ++i) {
        CHECK(y[i].bits == Bf16(x[i]).bits);
        CHECK(lanes[i].bits == y[i].bits);
    }
}
