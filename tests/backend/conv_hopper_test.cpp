// SPDX-License-Identifier: MIT
// Convolutions by warpgroups against the reference.
#include "tessera/backend/cuda/conv_hopper.cuh"

#include <doctest/doctest.h>

#include "tensor_convolution.hpp"

using namespace tessera;
using namespace tessera::test;
using cuda::HopperConv;

TEST_CASE("a convolution by warpgroups agrees with the reference, 16 bytes at a time") {
    Random random({.seed = 1});
    for (int round = 0; round < 12; ++round) {
        check_convolution<HopperConv, Bf16>(random_in_units(random, 8), random);
    }
}

TEST_CASE("a convolution by warpgroups agrees with the reference at any batch") {
    Random random({.seed = 2});
    for (int batch = 1; batch <= 33; batch += 4) {
        ConvGeometry g = random_in_units(random, 8);
        g.batch = batch;
        check_convolution<HopperConv, Bf16>(g, random);
    }
}

TEST_CASE("a convolution by warpgroups agrees with the reference in tiles of all widths") {
    Random random({.seed = 4});
    const ConvGeometry geometries[] = {
        // 64, 128 and 192 columns, more than one tile each way, and sums in slices.
        {.batch = 1, .input = {64, 9, 17}, .output = {256, 9, 17}, .window = {3, 3, 1, 1, 1}},
        {.batch = 2, .input = {64, 13, 13}, .output = {384, 13, 13}},
        {.batch = 1,
         .input = {144, 5, 6},
         .output = {144, 5, 6},
         .window = {5, 5, 1, 2, 2},
         .groups = 3},
        {.batch = 3, .input = {192, 8, 9}, .output = {64, 8, 9}, .window = {3, 3, 1, 1, 1}},
        {.batch = 1, .input = {128, 9, 9}, .output = {192, 4, 4}, .window = {3, 3, 2}},
    };
    for (const ConvGeometry& g : geometries) check_convolution<HopperConv, Bf16>(g, random);
}

TEST_CASE("other convolutions than of warpgroups go the ways of TensorConv") {
    Random random({.seed = 3});
    ConvGeometry few = random_in_units(random, 8);
    few.groups = few.batch = 1;
    few.input.channels = 3;
    check_convolution<HopperConv, Bf16>(few, random);
    for (int round = 0; round < 3; ++round) {
        ConvGeometry g = random_convolution(random);
        g.batch = between(random, 1, 3);
        check_convolution<HopperConv, Bf16>(g, random);
    }
    check_convolution<HopperConv, Bf16>(random_in_units(random, 8), random, 1);
}

TEST_CASE("a convolution by warpgroups gives the same bits every time") {
    Random random({.seed = 5});
    const ConvGeometry g{
        .batch = 3, .input = {64, 9, 9}, .output = {72, 9, 9}, .window = {3, 3, 1, 1, 1}};
    OnDevice<Bf16> x(exact_values<Bf16>(random, input_count(g)), 0);
    OnDevice<Bf16> dy(exact_values<Bf16>(random, output_count(g)), 0);
    const std::size_t bytes = HopperConv::scratch_bytes<Bf16>(g, 1);
    OnDevice<std::byte> memory(std::vector<std::byte>(bytes, std::byte{0xFF}), 0);
    const auto gradient = [&] {
        OnDevice<float> dw(std::vector<float>(static_cast<std::size_t>(weight_count(g))), 0);
        HopperConv::backward_parameters(g, x.data(), dy.data(), dw.data(), nullptr,
                                        {memory.data(), bytes, 1});
        return dw.values();
    };
    CHECK(gradient() == gradient());
}

TEST_CASE("a convolution by warpgroups takes the gradient of the ReLU before it") {
    Random random({.seed = 6});
    const ConvGeometry g{
        .batch = 2, .input = {64, 9, 9}, .output = {72, 9, 9}, .window = {3, 3, 1, 1, 1}};
    auto rectified = random_values<Bf16>(random, input_count(g));
    for (Bf16& value : rectified) value = value > 0 ? value : Bf16(0.0f);
    OnDevice<Bf16> weights(random_values<Bf16>(random, weight_count(g)), 0);
    OnDevice<Bf16> dy(random_values<Bf16>(random, output_count(g)), 0), outputs(rectified, 0);
    const std::size_t bytes = HopperConv::scratch_bytes<Bf16>(g, 1);
    OnDevice<std::byte> memory(std::vector<std::byte>(bytes, std::byte{0xFF}), 0);
    const auto gradient = [&](const Bf16* before) {
        OnDevice<Bf16> dx(unwritten<Bf16>(input_count(g)), 0);
        HopperConv::backward_data(g, weights.data(), dy.data(), dx.data(),
                                  {memory.data(), bytes, 1}, before);
        return dx.values();
    };
    const auto whole = gradient(nullptr), found = gradient(outputs.data());
    int nought = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        nought += found[i] == 0;
        CHECK(float(found[i]) == (rectified[i] > 0 ? float(whole[i]) : 0.0f));
    }
    CHECK(nought > std::ssize(found) / 4);
}

TEST_CASE("a convolution by warpgroups asks for enough working memory") {
    // One tile of 256 x 192, where TensorConv has four: more slices.
    const ConvGeometry g{.batch = 9, .input = {192, 128, 128}, .output = {192, 128, 128}};
    CHECK(HopperConv::scratch_bytes<Bf16>(g, 1) == std::size_t{264} * 192 * 192 * sizeof(float));
    CHECK(cuda::TensorConv::scratch_bytes<Bf16>(g, 1) < HopperConv::scratch_bytes<Bf16>(g, 1));
}
