// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "layer/agreement.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/train/gradient_check.hpp"

using namespace tessera;

namespace {

using Thin = Model<Dropout<25>, Shape{1, 40, 50}, Reference>;

/// The output for ones in training.
std::vector<float> masked(const Thin& model, const Stream& stream) {
    const std::vector<float> ones(2000, 1.0f);
    auto workspace = model.workspace(1, Mode::training, model.input, true);
    const auto y = model.forward(workspace, {ones.data(), 1, model.input}, stream);
    return {y.data, y.data + y.size()};
}

}  // namespace

TEST_CASE("a dropout's gradient is the slope of its output under the same mask") {
    CHECK(check_gradients<Dropout<>, Shape{3, 5, 4}, Reference>().error < 1e-6);
    CHECK(check_gradients<Dropout<90>, Shape{3, 5, 4}, Reference>({.seed = 3}).error < 1e-6);
    CHECK(check_gradients<Dropout<0>, Shape{3}, Reference>().error < 1e-6);
}

TEST_CASE("a dropout on Cpu does what it does on Reference, mask by mask") {
    CHECK(test::disagreement_over_shapes<Dropout<30>, 5>(1, 40) < 1e-6);
}

TEST_CASE("a dropout forgets its share, makes up for it, and rests at inference") {
    const Thin model;
    const auto y = masked(model, {.seed = 1, .purpose = Purpose::dropout});
    const auto dropped = std::ranges::count(y, 0.0f);
    CHECK(dropped > 2000 * 0.20);
    CHECK(dropped < 2000 * 0.30);
    CHECK(std::ranges::count(y, 1 / 0.75f) == 2000 - dropped);

    const std::vector<float> ones(2000, 1.0f);
    auto workspace = model.workspace(1);
    CHECK(std::ranges::equal(test::values(model.forward(workspace, {ones.data(), 1, model.input})),
                             ones));
}

TEST_CASE("the mask depends on seed and step only") {
    const Thin model;
    const Stream stream{.seed = 1, .purpose = Purpose::dropout, .epoch = 5, .sample = 0};
    const auto y = masked(model, stream);
    CHECK(masked(model, stream) == y);
    CHECK(masked(model, {1, Purpose::dropout, 5, 77}) == y);  // the layer overwrites it
    CHECK(masked(model, {1, Purpose::dropout, 6, 0}) != y);
    CHECK(masked(model, {2, Purpose::dropout, 5, 0}) != y);
}

TEST_CASE("two dropouts of a network draw different masks") {
    Model<Seq<Tapped<Dropout<>>, Dropout<>>, Shape{1, 40, 50}, Reference> model;
    const std::vector<float> ones(2000, 1.0f);
    auto workspace = model.workspace(1, Mode::training, model.input, true);
    const auto y = model.forward(workspace, {ones.data(), 1, model.input});
    const auto quarter = std::ranges::count(test::values(y), 4.0f);
    CHECK(quarter > 2000 * 0.20);
    CHECK(quarter < 2000 * 0.30);
}
