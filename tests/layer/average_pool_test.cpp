// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "layer/agreement.hpp"
#include "tessera/layer/average_pool.hpp"
#include "tessera/train/gradient_check.hpp"

using namespace tessera;

namespace {

using Hanging = AvgPool<3, Stride<2>, Pad<1>, Ceil>;

}  // namespace

TEST_CASE("an average's gradient is the slope of its output, with every option") {
    CHECK(check_gradients<AvgPool<2>, Shape{3, 6, 5}, Reference>().error < 1e-6);
    CHECK(check_gradients<Hanging, Shape{2, 6, 7}, Reference>().error < 1e-6);
    CHECK(check_gradients<AvgPool<2, Stride<3>, Pad<0, 1>, KernelWidth<4>>, Shape{2, 6, 8},
                          Reference>()
              .error < 1e-6);
}

TEST_CASE("an average on Cpu does what it does on Reference") {
    CHECK(test::disagreement_over_shapes<Hanging, 5>(2, 15) < 1e-5);
    CHECK(test::disagreement_over_shapes<AvgPool<4, KernelWidth<2>, Stride<1>>, 17>(4, 11) < 1e-5);
}

TEST_CASE("an average counts only the positions inside the image") {
    Model<Hanging, Shape{1, 2, 2}, Reference> model;
    const std::array<float, 4> x{1, 2, 3, 6};
    auto workspace = model.workspace(1);
    const auto y = model.forward(workspace, {x.data(), 1, model.input});
    REQUIRE(y.shape == Shape{1, 2, 2});
    CHECK(std::ranges::equal(test::values(y), std::array{3.0f, 4.0f, 4.5f, 6.0f}));
}
