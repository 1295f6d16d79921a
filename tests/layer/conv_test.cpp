// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "layer/agreement.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/train/gradient_check.hpp"

using namespace tessera;

namespace {

template <class Net, Shape Input>
double gradient_error() {
    return check_gradients<Net, Input, Reference>().error;
}

}  // namespace

TEST_CASE("a convolution's gradient is the slope of its output, with every option") {
    CHECK(gradient_error<Conv<4, 3>, Shape{3, 6, 5}>() < 1e-6);
    CHECK(gradient_error<Conv<4, 3, Stride<2>, Pad<1>, NoBias>, Shape{2, 6, 7}>() < 1e-6);
    CHECK(gradient_error<Conv<6, 5, Stride<3>, Pad<0, 3>, Groups<2>>, Shape{4, 8, 8}>() < 1e-6);
    CHECK(gradient_error<Conv<3, 2, KernelWidth<4>, Ceil, Stride<3>>, Shape{2, 6, 9}>() < 1e-6);
}

TEST_CASE("a convolution on Cpu does what it does on Reference") {
    CHECK(test::disagreement_over_shapes<Conv<8, 3, Pad<1>>, 5>(1, 13) < 1e-5);
    CHECK(test::disagreement_over_shapes<Conv<12, 5, Stride<3>, Pad<0, 3>, Groups<2>>, 6>(5, 14) <
          1e-5);
    CHECK(test::disagreement_over_shapes<Conv<7, 2, KernelWidth<4>, Ceil, Stride<2>, NoBias>, 3>(
              4, 11) < 1e-5);
}

TEST_CASE("a convolution reads its weights as group, row, column, input, output of the group") {
    // Two groups of one channel: the second filter sees the second channel only.
    Model<Conv<2, 1, KernelWidth<2>, Groups<2>>, Shape{2, 1, 3}, Reference> model;
    std::ranges::copy(std::array{1.0f, 10.0f, 100.0f, 1000.0f}, model.parameters()[0].begin());
    std::ranges::copy(std::array{0.5f, 0.25f}, model.parameters()[1].begin());
    const std::array<float, 6> x{1, 4, 2, 5, 3, 6};  // position by position: 1 2 3 and 4 5 6
    auto workspace = model.workspace(1);
    const auto y = model.forward(workspace, {x.data(), 1, model.input});
    REQUIRE(y.shape == Shape{2, 1, 2});
    CHECK(y[0] == 1 + 20 + 0.5f);
    CHECK(y[1] == 400 + 5000 + 0.25f);
    CHECK(y[2] == 2 + 30 + 0.5f);
    CHECK(y[3] == 500 + 6000 + 0.25f);
}
