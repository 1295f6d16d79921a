// SPDX-License-Identifier: MIT
#include "tessera/net/model.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "net/random_model.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/layer/softmax.hpp"

using namespace tessera;

namespace {

constexpr Shape input{3, 12, 10};
using Net = Seq<Named<"conv", Conv<8, 3, Pad<1>>>, ReLU, Lrn<Alpha<1>>, MaxPool<3, Stride<2>>,
                Conv<6, 3, Groups<2>>, ReLU, Dropout<>, Named<"fc", Linear<20>>, ReLU, Dropout<30>,
                Linear<5>, Softmax>;
using Small = Model<Net, input, Cpu>;
using Dense = Model<Seq<Conv<4, 3>, ReLU, MaxPool<2>, Conv<2, 1>>, Shape{3, dynamic, dynamic}, Cpu>;

Small random_small() { return test::random_model<Small>(); }

std::vector<float> outputs(const Small& model, const std::vector<float>& in, int batch) {
    auto workspace = model.workspace(batch);
    return test::numbers(model.forward(workspace, {in.data(), batch, input}));
}

bool all_finite(const std::vector<float>& values) {
    return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

}  // namespace

TEST_CASE("what the arena held before a pass leaves no trace in it") {
    const Small model = random_small();
    for (const int batch : {1, 3, 8}) {
        auto fresh = model.training_workspace(batch);
        fresh.fill(std::byte{0});
        auto poisoned = model.training_workspace(batch);
        poisoned.fill(std::byte{0xFF});
        const test::Step expected = test::training_step(model, fresh, batch);
        const test::Step step = test::training_step(model, poisoned, batch);
        CHECK(all_finite(step.output));
        CHECK(all_finite(step.gradients));
        CHECK(step == expected);
        // Nor does an earlier pass over other numbers.
        test::training_step(model, poisoned, batch, 99);
        CHECK(test::training_step(model, poisoned, batch) == expected);
    }
}

TEST_CASE(
    "a workspace serves smaller batches, and a sample's output does not depend on the others") {
    const Small model = random_small();
    const auto in = test::random_numbers(9 * input.size());
    const auto all = outputs(model, in, 9);
    auto workspace = model.workspace(9);
    for (const int batch : {1, 2, 5, 9, 3}) {
        workspace.fill(std::byte{0xFF});
        const auto some = test::numbers(model.forward(workspace, {in.data(), batch, input}));
        CHECK(workspace.batch() == batch);
        CHECK(workspace.capacity() == 9);
        REQUIRE(some.size() == static_cast<std::size_t>(batch * 5));
        for (std::size_t i = 0; i < some.size(); ++i) {
            CHECK(some[i] == doctest::Approx(all[i]).epsilon(1e-5));
        }
    }
    // Training too.
    auto large = model.training_workspace(7);
    auto exact = model.training_workspace(2);
    large.fill(std::byte{0xFF});
    const test::Step step = test::training_step(model, large, 2);
    const test::Step expected = test::training_step(model, exact, 2);
    for (std::size_t i = 0; i < step.gradients.size(); ++i) {
        CHECK(step.gradients[i] == doctest::Approx(expected.gradients[i]).epsilon(1e-4));
    }
}

TEST_CASE("sixteen threads share one model, each with a workspace of its own") {
    const Small model = random_small();
    const auto in = test::random_numbers(16 * 2 * input.size());
    std::vector<std::vector<float>> found(16);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 16; ++t) {
        threads.emplace_back([&, t] {
            auto workspace = model.workspace(2);
            const float* mine = in.data() + static_cast<Index>(t) * 2 * input.size();
            for (int repeat = 0; repeat < 5; ++repeat) {
                found[t] = test::numbers(model.forward(workspace, {mine, 2, input}));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (std::size_t t = 0; t < 16; ++t) {
        const auto begin = in.begin() + static_cast<Index>(t) * 2 * input.size();
        CHECK(found[t] == outputs(model, {begin, begin + 2 * input.size()}, 2));
    }
}

TEST_CASE("a step repeats itself bit by bit") {
    const Small model = random_small();
    auto workspace = model.training_workspace(4);
    const test::Step step = test::training_step(model, workspace, 4);
    CHECK(test::training_step(model, workspace, 4) == step);
    CHECK(test::training_step(model, workspace, 4, 2) != step);
}

TEST_CASE("a copy shares its parameters, a clone has its own") {
    Small model = random_small();
    const Small copy = model;
    const Small clone = model.clone();
    const auto in = test::random_numbers(input.size());
    const auto before = outputs(model, in, 1);
    CHECK(outputs(clone, in, 1) == before);
    model.parameters()[0][0] += 1;
    CHECK(outputs(copy, in, 1) == outputs(model, in, 1));
    CHECK(outputs(clone, in, 1) == before);
    CHECK(outputs(model, in, 1) != before);
}

TEST_CASE("a new model is zero, and its parameters begin at cache lines") {
    const Small model;
    for (int i = 0; i < model.parameters().count(); ++i) {
        CHECK(std::ranges::count(model.parameters()[i], 0.0f) ==
              model.parameters().entry(i).info.count());
        CHECK(reinterpret_cast<std::uintptr_t>(model.parameters()[i].data()) % alignment == 0);
    }
    CHECK(model.parameters().bytes() == model.layout.total * 4);
    CHECK(model.parameter_name(0) == "conv.weight");
    CHECK(model.parameter_name(3) == "4.bias");
    CHECK(model.parameter_name(4) == "fc.weight");
}

TEST_CASE("gradients add up over passes") {
    const Small model = random_small();
    auto workspace = model.training_workspace(2);
    const auto once = test::training_step(model, workspace, 2).gradients;
    const auto in = test::random_numbers(2 * input.size());
    auto gradients = model.gradients();
    for (int pass = 0; pass < 2; ++pass) {
        model.forward(workspace, {in.data(), 2, input}, {.purpose = Purpose::dropout});
        const auto slope = workspace.gradient(Small::depth);
        std::ranges::copy(test::random_numbers(slope.size(), 2), slope.data);
        model.backward(workspace, gradients);
    }
    for (std::size_t i = 0; i < once.size(); ++i) {
        CHECK(gradients[static_cast<Index>(i)] == doctest::Approx(2 * once[i]).epsilon(1e-4));
    }
}

TEST_CASE("a pass may stop early") {
    const Small model = random_small();
    const auto in = test::random_numbers(2 * input.size());
    auto workspace = model.workspace(2);
    const auto logits = test::numbers(model.forward_until(workspace, {in.data(), 2, input}, 11));
    const auto y = outputs(model, in, 2);
    for (std::size_t sample = 0; sample < 2; ++sample) {
        float sum = 0;
        for (std::size_t c = 0; c < 5; ++c) sum += std::exp(logits[sample * 5 + c]);
        for (std::size_t c = 0; c < 5; ++c) {
            CHECK(y[sample * 5 + c] ==
                  doctest::Approx(std::exp(logits[sample * 5 + c]) / sum).epsilon(1e-5));
        }
    }
    CHECK(model.forward_until(workspace, {in.data(), 2, input}, 0).data == in.data());
}

TEST_CASE("a fully convolutional model takes any extent its windows fit") {
    const auto model = test::random_model<Dense>();
    const auto in = test::random_numbers(2 * 3 * 20 * 17);
    auto workspace = model.workspace(2, Mode::inference, {3, 20, 17});
    const auto y = model.forward(workspace, {in.data(), 2, {3, 20, 17}});
    CHECK(y.shape == Shape{2, 9, 7});
    CHECK(all_finite(test::numbers(y)));
    CHECK_NOTHROW(model.workspace(1, Mode::training, {3, 4, 5}));
}

TEST_CASE("wrong batches, shapes and extents are refused in words") {
    const Small model;
    const Dense dense;
    CHECK_THROWS_WITH_AS(model.workspace(0), "workspace: the batch is 0, expected at least 1",
                         Error);
    CHECK_THROWS_WITH_AS(model.workspace(2, Mode::inference, {3, 12, 11}),
                         "workspace: the input is 3x12x11, expected 3x12x10", Error);
    CHECK_THROWS_WITH_AS(
        dense.workspace(2),
        "workspace: the input is 3x?x?, expected a known height and width of at least 1", Error);
    CHECK_THROWS_WITH_AS(dense.workspace(2, Mode::inference, {4, 9, 9}),
                         "workspace: the input is 4x9x9, expected 3x?x?", Error);
    CHECK_THROWS_WITH_AS(dense.workspace(2, Mode::inference, {3, 9, 3}),
                         "workspace: layer 2 (max_pool) does not accept its input of 4x7x1 for an "
                         "image of 3x9x3",
                         Error);

    auto workspace = model.workspace(4);
    const auto in = test::random_numbers(5 * input.size());
    CHECK_THROWS_WITH_AS(model.forward(workspace, {in.data(), 5, input}),
                         "forward: the input is 5 samples of 3x12x10, expected 1 to 4 of 3x12x10",
                         Error);
    CHECK_THROWS_WITH_AS(model.forward(workspace, {in.data(), 0, input}),
                         "forward: the input is 0 samples of 3x12x10, expected 1 to 4 of 3x12x10",
                         Error);
    CHECK_THROWS_WITH_AS(model.forward(workspace, {in.data(), 1, {3, 10, 12}}),
                         "forward: the input is 1 samples of 3x10x12, expected 1 to 4 of 3x12x10",
                         Error);
    using Wider = Model<Seq<Linear<9>>, input, Cpu>;
    using Narrower = Model<Seq<Linear<3>>, input, Cpu>;
    auto narrow = Narrower().workspace(4);
    CHECK_THROWS_WITH_AS(Wider().forward(narrow, {in.data(), 4, input}),
                         "forward: the workspace was made by another type of model", Error);
    auto gradients = model.gradients();
    model.forward(workspace, {in.data(), 4, input});
    CHECK_THROWS_WITH_AS(model.backward(workspace, gradients),
                         "backward: the workspace is for inference, expected one for training",
                         Error);
    auto training = model.training_workspace(4);
    auto others = Dense().gradients();
    model.forward(training, {in.data(), 4, input});
    CHECK_THROWS_WITH_AS(model.backward(training, others),
                         "backward: the gradients are 160 elements, expected 1360", Error);
}
