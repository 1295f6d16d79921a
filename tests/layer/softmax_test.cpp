// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <span>

#include "layer/agreement.hpp"
#include "tessera/layer/softmax.hpp"
#include "tessera/train/gradient_check.hpp"

using namespace tessera;

TEST_CASE("a softmax's gradient is the slope of its output") {
    CHECK(check_gradients<Softmax, Shape{7}, Reference>().error < 1e-6);
    CHECK(check_gradients<Softmax, Shape{4, 2, 3}, Reference>().error < 1e-6);
}

TEST_CASE("a softmax on Cpu does what it does on Reference") {
    CHECK(test::disagreement_over_shapes<Softmax, 21>(1, 9) < 1e-5);
    CHECK(test::disagreement_over_shapes<Softmax, 1>(1, 5) < 1e-5);
}

TEST_CASE("a softmax adds up to one at each position and stands large scores") {
    Model<Softmax, Shape{3, 1, 2}, Reference> model;
    const std::array<float, 6> x{1000, 1000, -1000, 0, 0, 0};
    auto workspace = model.workspace(1);
    const auto y = model.forward(workspace, {x.data(), 1, model.input});
    CHECK(std::ranges::equal(std::span(y.data, 3), std::array{0.5f, 0.5f, 0.0f}));
    for (int i = 3; i < 6; ++i) CHECK(y[i] == doctest::Approx(1.0 / 3));
}
