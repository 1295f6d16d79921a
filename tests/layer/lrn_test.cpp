// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "layer/agreement.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/train/gradient_check.hpp"

using namespace tessera;

namespace {

// Far from the 2012 network's, so that every option shows in the result.
using Strong = Lrn<Size<3>, Alpha<3, 2>, Beta<1, 2>, K<1>>;
using Undivided = Lrn<Size<7>, Alpha<1, 10>, Beta<5, 4>, K<3, 2>, AlphaUndivided>;

template <class Layer>
float of_ones() {
    Model<Layer, Shape{3}, Reference> model;
    const std::array<float, 3> x{1, 1, 1};
    auto workspace = model.workspace(1);
    return model.forward(workspace, {x.data(), 1, model.input})[1];
}

}  // namespace

TEST_CASE("a response normalisation's gradient is the slope of its output, with every option") {
    CHECK(check_gradients<Lrn<>, Shape{9, 2, 3}, Reference>().error < 1e-6);
    CHECK(check_gradients<Strong, Shape{6, 3, 2}, Reference>().error < 1e-6);
    CHECK(check_gradients<Undivided, Shape{4, 2, 2}, Reference>().error < 1e-6);
    CHECK(check_gradients<Lrn<Size<1>>, Shape{2, 2, 2}, Reference>().error < 1e-6);
}

TEST_CASE("a response normalisation on Cpu does what it does on Reference") {
    CHECK(test::disagreement_over_shapes<Lrn<>, 13>(1, 9) < 1e-5);
    CHECK(test::disagreement_over_shapes<Strong, 2>(1, 17) < 1e-5);
    CHECK(test::disagreement_over_shapes<Undivided, 33>(1, 9) < 1e-5);
}

TEST_CASE("alpha is divided by the window's size unless told otherwise") {
    // Three ones meet in the middle channel; windows beyond the ends are clipped.
    CHECK(of_ones<Strong>() == doctest::Approx(1 / std::sqrt(1 + 1.5 / 3 * 3)));
    CHECK(of_ones<Undivided>() == doctest::Approx(std::pow(1.5 + 0.1 * 3, -1.25)));
    CHECK(of_ones<Lrn<>>() == doctest::Approx(std::pow(2 + 1e-4 / 5 * 3, -0.75)));
}
