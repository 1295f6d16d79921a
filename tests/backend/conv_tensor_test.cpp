// SPDX-License-Identifier: MIT
// Convolutions on tensor cores against the reference.
#include "tessera/backend/cuda/conv_tensor.cuh"

#include <doctest/doctest.h>

#include "tensor_convolution.hpp"

using namespace tessera;
using namespace tessera::test;
using cuda::TensorConv;

TEST_CASE_TEMPLATE("a convolution on tensor cores agrees with the reference, 16 bytes at a time", T,
                   Bf16, float) {
    Random random({.seed = 1});
#ifndef __CUDACC__
    const long conflicts = cuda::bank_conflicts;
#endif
    for (int round = 0; round < 12; ++round) {
        check_convolution<TensorConv, T>(random_in_units(random, 16 / static_cast<int>(sizeof(T))),
                                         random);
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
        check_convolution<TensorConv, T>(g, random);
    }
    // Like the first layer of AlexNet, with the last window beyond the edge.
    check_convolution<TensorConv, T>(
        {.batch = 1, .input = {3, 22, 22}, .output = {96, 5, 5}, .window = {7, 7, 4}}, random);
}

TEST_CASE_TEMPLATE("a convolution on tensor cores agrees with the reference, number by number", T,
                   Bf16, float) {
    Random random({.seed = 3});
    for (int round = 0; round < 4; ++round) {
        ConvGeometry g = random_convolution(random);
        g.batch = between(random, 1, 3);
        check_convolution<TensorConv, T>(g, random);
    }
    // Arrays that begin anywhere.
    check_convolution<TensorConv, T>(random_in_units(random, 8), random, 1);
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
    for (const ConvGeometry& g : geometries) check_convolution<TensorConv, T>(g, random);
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
