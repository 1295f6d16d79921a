// SPDX-License-Identifier: MIT
// Convolutions on tensor cores against the reference, on operands that are exact there: what is
// left is the rounding of the sums.
#include "tessera/backend/cuda/conv_tensor.cuh"

#include <doctest/doctest.h>

#include "tensor_oracle.hpp"
#include "tessera/backend/reference/reference.hpp"

using namespace tessera;
using namespace tessera::test;
using cuda::TensorConv;

namespace {

template <class T>
void check_convolution(const ConvGeometry& g, Random& random, Index shift = 0) {
    CAPTURE(g.batch);
    CAPTURE(g.groups);
    CAPTURE(text(g.input, " to ", g.output));
    CAPTURE(text(g.window.height, "x", g.window.width, "/", g.window.stride, " padded ",
                 g.window.pad_top, ", ", g.window.pad_left));
    CAPTURE(sizeof(T));
    const auto x = exact_values<T>(random, input_count(g));
    const auto weights = exact_values<T>(random, weight_count(g));
    const auto bias = exact_values<T>(random, g.output.channels);
    const auto dy = exact_values<T>(random, output_count(g));
    OnDevice<T> x_there(x, shift), weights_there(weights, shift), dy_there(dy, shift);
    OnDevice<T> bias_there(bias, shift);
    const std::size_t bytes = TensorConv::scratch_bytes<T>(g, 1);
    const std::vector<std::byte> ones(bytes, std::byte{0xFF});
    OnDevice<std::byte> memory(ones, 0);
    const Scratch scratch{memory.data(), bytes, 1};

    for (const bool plain : {true, false}) {
        OnDevice<T> y(not_a_number<T>(output_count(g)), shift);
        TensorConv::forward(g, x_there.data(), weights_there.data(),
                            plain ? nullptr : bias_there.data(), y.data(), scratch, !plain);
        Values expected(dy.size());
        reference::Conv::forward(g, widened(x).data(), widened(weights).data(),
                                 plain ? nullptr : widened(bias).data(), expected.data(), {});
        for (double& value : expected) value = plain ? value : std::max(value, 0.0);
        CHECK(agrees(y.values(), expected));
    }

    OnDevice<T> dx(not_a_number<T>(input_count(g)), shift);
    TensorConv::backward_data(g, weights_there.data(), dy_there.data(), dx.data(), scratch);
    TensorConv::backward_data(g, weights_there.data(), dy_there.data(), static_cast<T*>(nullptr),
                              scratch);
    Values expected_dx(x.size());
    reference::Conv::backward_data(g, widened(weights).data(), widened(dy).data(),
                                   expected_dx.data(), {});
    CHECK(agrees(dx.values(), expected_dx));

    const auto dweights = random_values<float>(random, weight_count(g));
    const auto dbias = random_values<float>(random, g.output.channels);
    OnDevice<float> dweights_there(dweights, shift), dbias_there(dbias, 0);
    Values expected_dweights = widened(dweights), expected_dbias = widened(dbias);
    for (const bool with_bias : {true, false}) {
        TensorConv::backward_parameters(g, x_there.data(), dy_there.data(), dweights_there.data(),
                                        with_bias ? dbias_there.data() : nullptr, scratch);
        reference::Conv::backward_parameters(g, widened(x).data(), widened(dy).data(),
                                             expected_dweights.data(),
                                             with_bias ? expected_dbias.data() : nullptr, {});
    }
    CHECK(agrees(dweights_there.values(), expected_dweights));
    CHECK(agrees(dbias_there.values(), expected_dbias));
}

/// A random geometry with channels and filters of a group in whole `unit`s.
ConvGeometry random_in_units(Random& random, int unit) {
    ConvGeometry g = random_convolution(random);
    g.batch = between(random, 1, 5);
    g.input.channels = g.groups * unit * between(random, 1, 3);
    g.output.channels = g.groups * unit * between(random, 1, 4);
    return g;
}

}  // namespace

TEST_CASE_TEMPLATE("a convolution on tensor cores agrees with the reference, 16 bytes at a time", T,
                   Bf16, float) {
    Random random({.seed = 1});
#ifndef __CUDACC__
    const long conflicts = cuda::bank_conflicts;
#endif
    for (int round = 0; round < 12; ++round) {
        check_convolution<T>(random_in_units(random, 16 / static_cast<int>(sizeof(T))), random);
    }
#ifndef __CUDACC__
    CHECK(cuda::bank_conflicts == conflicts);
#endif
}

TEST_CASE_TEMPLATE("a convolution on tensor cores agrees with the reference, few channels", T, Bf16,
                   float) {
    Random random({.seed = 2});
    for (int channels = 1; channels <= 4; ++channels) {
        ConvGeometry g = random_in_units(random, 8);
        g.batch = g.groups = 1;
        g.input.channels = channels;
        check_convolution<T>(g, random);
    }
    // Like the first layer of AlexNet, with the last window beyond the edge.
    check_convolution<T>(
        {.batch = 1, .input = {3, 22, 22}, .output = {96, 5, 5}, .window = {7, 7, 4}}, random);
}

TEST_CASE_TEMPLATE("a convolution on tensor cores agrees with the reference, number by number", T,
                   Bf16, float) {
    Random random({.seed = 3});
    for (int round = 0; round < 4; ++round) {
        ConvGeometry g = random_convolution(random);
        g.batch = between(random, 1, 3);
        check_convolution<T>(g, random);
    }
    // Arrays that begin anywhere.
    check_convolution<T>(random_in_units(random, 8), random, 1);
}

TEST_CASE_TEMPLATE("a convolution on tensor cores agrees with the reference in tiles of all widths",
                   T, Bf16, float) {
    Random random({.seed = 4});
    const ConvGeometry geometries[] = {
        // 128, 96 and 64 columns, more than one tile each way, and sums in slices.
        {.batch = 1, .input = {64, 9, 17}, .output = {256, 9, 17}, .window = {3, 3, 1, 1, 1}},
        {.batch = 2, .input = {64, 12, 12}, .output = {192, 12, 12}},
        {.batch = 1,
         .input = {144, 5, 6},
         .output = {144, 5, 6},
         .window = {5, 5, 1, 2, 2},
         .groups = 3},
    };
    for (const ConvGeometry& g : geometries) check_convolution<T>(g, random);
}

TEST_CASE("a convolution on tensor cores asks for enough working memory") {
    const ConvGeometry g{.batch = 1, .input = {3, 8, 8}, .output = {8, 6, 6}, .window = {3, 3}};
    const std::size_t bytes = TensorConv::scratch_bytes<Bf16>(g, 1);
    CHECK_THROWS_WITH_AS(
        TensorConv::forward(g, static_cast<const Bf16*>(nullptr), static_cast<const Bf16*>(nullptr),
                            nullptr, static_cast<Bf16*>(nullptr), {nullptr, bytes - 1, 1}),
        text("working memory: found ", bytes - 1, " bytes, expected at least ", bytes).c_str(),
        Error);
}
