// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "layer/agreement.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/train/gradient_check.hpp"

using namespace tessera;

TEST_CASE("a ReLU's gradient is the slope of its output") {
    CHECK(check_gradients<ReLU, Shape{3, 5, 4}, Reference>().error < 1e-6);
}

TEST_CASE("a ReLU on Cpu does what it does on Reference") {
    CHECK(test::disagreement_over_shapes<ReLU, 5>(1, 40) == 0);
}

TEST_CASE("a ReLU keeps the input of the network as it was") {
    Model<ReLU, Shape{4}, Reference> model;
    const std::array<float, 4> x{-1, 0, 2, -3};
    auto workspace = model.workspace(1);
    const auto y = model.forward(workspace, {x.data(), 1, model.input});
    CHECK(y.data != x.data());
    CHECK(std::ranges::equal(test::values(y), std::array{0.0f, 0.0f, 2.0f, 0.0f}));
    CHECK(x == std::array<float, 4>{-1, 0, 2, -3});
}
