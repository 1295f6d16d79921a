// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "layer/agreement.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/train/gradient_check.hpp"

using namespace tessera;

TEST_CASE("a maximum's gradient is the slope of its output, with every option") {
    CHECK(check_gradients<MaxPool<2>, Shape{3, 6, 5}, Reference>().error < 1e-6);
    CHECK(check_gradients<MaxPool<3, Stride<2>, Pad<1>>, Shape{2, 6, 7}, Reference>().error < 1e-6);
    CHECK(check_gradients<MaxPool<3, Stride<2>, Pad<0, 1>, KernelWidth<2>, Ceil>, Shape{2, 6, 8},
                          Reference>()
              .error < 1e-6);
    CHECK(check_gradients<GlobalMaxPool, Shape{4, 3, 5}, Reference>().error < 1e-6);
}

TEST_CASE("a maximum on Cpu does what it does on Reference") {
    CHECK(test::disagreement_over_shapes<MaxPool<3, Stride<2>, Pad<1>, Ceil>, 5>(2, 15) < 1e-6);
    CHECK(test::disagreement_over_shapes<MaxPool<2, KernelWidth<3>, Stride<1>>, 17>(3, 11) < 1e-6);
    CHECK(test::disagreement_over_shapes<GlobalMaxPool, 19>(1, 11) < 1e-6);
}

TEST_CASE("the gradient goes to the first of equal maxima, and adds up where windows overlap") {
    Model<MaxPool<2, Stride<1>>, Shape{1, 2, 3}, Reference> model;
    const std::array<float, 6> x{1, 5, 5, 0, 5, 2};
    auto workspace = model.workspace(1, Mode::training, model.input, true);
    const auto y = model.forward(workspace, {x.data(), 1, model.input});
    CHECK(y[0] == 5);
    CHECK(y[1] == 5);
    workspace.gradient(1)[0] = 1;
    workspace.gradient(1)[1] = 10;
    auto none = model.gradients();
    model.backward(workspace, none);
    CHECK(std::ranges::equal(test::values<float>(workspace.gradient(0)),
                             std::array<float, 6>{0, 11, 0, 0, 0, 0}));
}
