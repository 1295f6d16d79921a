// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "layer/agreement.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/train/gradient_check.hpp"

using namespace tessera;

TEST_CASE("a Linear's gradient is the slope of its output") {
    CHECK(check_gradients<Linear<5>, Shape{3, 4, 2}, Reference>().error < 1e-6);
    CHECK(check_gradients<Linear<1>, Shape{1}, Reference>({.batch = 1}).error < 1e-6);
}

TEST_CASE("a Linear on Cpu does what it does on Reference") {
    for (const int batch : {1, 2, 7, 33}) {
        CAPTURE(batch);
        CHECK(test::disagreement<Linear<37>, Shape{5, 3, 4}>(batch) < 1e-5);
    }
    CHECK(test::disagreement<Linear<1>, Shape{301}>(33) < 1e-5);
    CHECK(test::disagreement<Linear<130>, Shape{1}>(5) < 1e-5);
}

TEST_CASE("a Linear flattens its input in memory order, row, column, channel") {
    Model<Linear<2>, Shape{2, 1, 2}, Reference> model;
    // One row of the weights for each input, one column for each output.
    std::ranges::copy(std::array{1.0f, 0.0f, 2.0f, 0.0f, 4.0f, 0.0f, 8.0f, 1.0f},
                      model.parameters()[0].begin());
    std::ranges::copy(std::array{0.5f, -1.0f}, model.parameters()[1].begin());
    const std::array<float, 4> x{1, 10, 100, 1000};
    auto workspace = model.workspace(1);
    const auto y = model.forward(workspace, {x.data(), 1, model.input});
    CHECK(y[0] == 1 + 20 + 400 + 8000 + 0.5f);
    CHECK(y[1] == 1000 - 1.0f);
}
