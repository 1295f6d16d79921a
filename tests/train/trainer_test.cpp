// SPDX-License-Identifier: MIT
// Trainer: what one step moves and what it leaves alone.
#include "tessera/train/trainer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "files.hpp"
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/softmax.hpp"
#include "train/toy.hpp"

using namespace tessera;
using namespace tessera::test;
using namespace tessera::testing;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// The gradients a step would use, array by array in the model's order.
template <class TrainerType>
std::vector<float> gradient_of(const TrainerType& trainer, int array) {
    const ParameterEntry& entry = trainer.model().parameters().entry(array);
    const float* first = trainer.gradients().data() + entry.offset;
    return {first, first + entry.info.count()};
}

using SoftNet = Append<ToyNet, Softmax>;

}  // namespace

TEST_CASE("a step is the optimiser's formula with the factors of each array") {
    const ToyData data = toy_data(8);
    ToyModel model = toy_model();
    for (int i = 0; i < model.parameter_arrays; ++i) {
        for (float& weight : model.parameters()[i]) weight += 0.01f;  // biases, too
    }
    const ToyModel before = model.clone();
    const TrainerOptions options{
        .batch = 8,
        .weights = {.rate = 3, .decay = 2},
        .biases = {.rate = 0.5, .decay = 1},
        .layers = {{"fc3", {.rate = 10, .decay = 0}}, {"conv1", {.rate = 0, .decay = 1}}}};
    ToyTrainer trainer(model, {}, {.rate = 0.01, .momentum = 0, .decay = 0.1}, options);
    trainer.accumulate(data.view(0, 8), data.targets(0, 8));
    std::vector<std::vector<float>> gradients;
    for (int i = 0; i < model.parameter_arrays; ++i) gradients.push_back(gradient_of(trainer, i));
    trainer.update();
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const std::string name = model.parameter_name(i);
        CAPTURE(name);
        const bool bias = model.parameters().entry(i).info.is_bias();
        double rate = bias ? 0.005 : 0.03, decay = bias ? 0.1 : 0.2;
        if (has(name, "fc3")) rate *= 10, decay = 0;
        if (has(name, "conv1")) rate = 0;
        const std::span<const float> old = before.parameters()[i], found = model.parameters()[i];
        const auto& gradient = gradients[static_cast<std::size_t>(i)];
        double slope = 0, worst = 0;
        for (std::size_t k = 0; k < old.size(); ++k) {
            const double expected = old[k] - rate * (gradient[k] + decay * old[k]);
            worst = std::max(worst, std::abs(found[k] - expected));
            slope += std::abs(gradient[k]);
        }
        CHECK(slope > 0);
        CHECK(worst < 1e-6);
    }
}

TEST_CASE("by default biases do not decay") {
    ToyModel model = toy_model();
    for (int i = 0; i < model.parameter_arrays; ++i) {
        for (float& weight : model.parameters()[i]) weight = 1;
    }
    ToyTrainer trainer(model, {}, {.rate = 0.1, .momentum = 0, .decay = 0.5}, {.batch = 1});
    trainer.update();  // no gradient
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const bool bias = model.parameters().entry(i).info.is_bias();
        for (float weight : model.parameters()[i]) {
            CHECK(weight == doctest::Approx(bias ? 1 : 1 - 0.1 * 0.5));
        }
    }
}

TEST_CASE("factors for a layer that is not there are an Error that names it") {
    ToyModel model;
    const auto options = [](const char* layer) {
        return TrainerOptions{.batch = 1, .layers = {{"fc3", {}}, {layer, {}}}};
    };
    CHECK(has(message_of([&] { ToyTrainer(model, {}, {}, options("fc9")); }),
              "multipliers are given for layer 'fc9', which the network does not have"));
    CHECK(has(message_of([&] { ToyTrainer(model, {}, {}, options("fc3.weight")); }), "fc3.weight"));
    CHECK(message_of([&] { ToyTrainer(model, {}, {}, options("conv1")); }) == "no error");

    using Unnamed = Model<Seq<Linear<4>, ReLU, Linear<4>>, toy_image, Cpu>;
    Unnamed unnamed;
    using UnnamedTrainer = Trainer<Unnamed, SoftmaxCrossEntropy, Sgd>;
    CHECK(message_of([&] {
              UnnamedTrainer(unnamed, {}, {}, {.layers = {{"2", {}}}});
          }) == "no error");
    CHECK(has(message_of([&] {
                  UnnamedTrainer(unnamed, {}, {}, {.layers = {{"1", {}}}});
              }),
              "layer '1'"));
}

TEST_CASE("frozen weights have the same bits after 200 steps with decay") {
    const ToyData data = toy_data(8);
    using Net = FreezeUntil<ToyNet, "conv1">;
    Model<Net, toy_image, Cpu> model;
    {
        ToyModel source = toy_model();
        model = Model<Net, toy_image, Cpu>(source);
    }
    const auto before = model.clone();
    const auto train = [&](const auto& optimizer) {
        Trainer trainer(model, SoftmaxCrossEntropy{}, optimizer, {.batch = 8});
        for (int step = 0; step < 200; ++step) {
            trainer.step(data.view(0, 8), data.targets(0, 8));
        }
        CHECK(trainer.gradients().size() == model.layout.trainable);
    };
    train(Sgd{.rate = 0.01, .decay = 0.01});
    train(AdamW{.decay = 0.1});
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const bool frozen = model.parameters().entry(i).frozen;
        CHECK(frozen == has(model.parameter_name(i), "conv1"));
        CHECK(std::ranges::equal(model.parameters()[i], before.parameters()[i]) == frozen);
    }
}

TEST_CASE("a final Softmax is left out of training, and the parameters are the model's own") {
    using WithSoftmax = Model<SoftNet, toy_image, Cpu>;
    using SoftTrainer = Trainer<WithSoftmax, SoftmaxCrossEntropy, Sgd>;
    static_assert(std::is_same_v<ScoringNet<SoftNet, SoftmaxCrossEntropy>, ToyNet>);
    static_assert(std::is_same_v<ScoringNet<ToyNet, SoftmaxCrossEntropy>, ToyNet>);
    static_assert(std::is_same_v<ScoringNet<SoftNet, SquaredError<>>, SoftNet>);
    static_assert(
        std::is_same_v<ScoringNet<Append<ToyNet, Named<"prob", Softmax>>, SoftmaxCrossEntropy>,
                       ToyNet>);

    const ToyData data = toy_data(8);
    ToyModel plain = toy_model();
    WithSoftmax soft(plain.clone());
    ToyTrainer plain_trainer(plain, {}, {.rate = 0.05}, {.batch = 8});
    SoftTrainer soft_trainer(soft, {}, {.rate = 0.05}, {.batch = 8});
    for (int step = 0; step < 5; ++step) {
        const double a = plain_trainer.step(data.view(0, 8), data.targets(0, 8));
        const double b = soft_trainer.step(data.view(0, 8), data.targets(0, 8));
        CHECK(a == b);
    }
    CHECK(parameters_of(plain) == parameters_of(soft));
    CHECK(parameters_of(soft_trainer.model()) == parameters_of(soft));
    auto workspace = soft.workspace(8);
    const auto probabilities = soft.forward(workspace, data.view(0, 8));
    float sum = 0;
    for (Index i = 0; i < 4; ++i) sum += probabilities[i];
    CHECK(sum == doctest::Approx(1));

    // A loss over probabilities keeps it.
    Trainer squared(soft, SquaredError<>{}, Sgd{}, {.batch = 8});
    const std::vector<float> wanted(32, 0.25f);
    const double loss = squared.step(data.view(0, 8), wanted);
    CHECK(loss >= 0);
    CHECK(loss <= 1);
}

TEST_CASE(
    "a loss that is not finite is an Error that names the parameter and leaves all as it was") {
    ToyData data = toy_data(8);
    ToyModel model = toy_model();
    ToyTrainer trainer(model, {}, {.rate = 0.125}, {.batch = 8});
    trainer.step(data.view(0, 8), data.targets(0, 8));
    const auto refused = [&] {
        const auto before = everything_of(trainer);
        const std::string message =
            message_of([&] { trainer.step(data.view(0, 8), data.targets(0, 8)); });
        const auto after = everything_of(trainer);
        CHECK(std::memcmp(before.data(), after.data(), before.size() * sizeof(float)) == 0);
        CHECK(trainer.steps() == 1);
        return message;
    };
    model.parameters()[2][5] = infinity;  // fc2.weight
    const std::string by_weight = refused();
    CHECK(has(by_weight, "at step 1; fc2.weight holds numbers that are not finite"));
    CHECK(has(by_weight, "the rate of 0.125 is too high"));
    model.parameters()[2][5] = 0;
    data.images[17] = NAN;
    CHECK(has(refused(), "at step 1 although every weight is finite: look at the input"));
    data.images[17] = 0;
    CHECK(std::isfinite(trainer.step(data.view(0, 8), data.targets(0, 8))));
}

TEST_CASE("a rate that is far too high ends in that Error, not in nonsense") {
    const ToyData data = toy_data(8);
    ToyModel model = toy_model();
    ToyTrainer trainer(model, {}, {.rate = 1e30}, {.batch = 8});
    const std::string message = message_of([&] {
        for (int step = 0; step < 20; ++step) {
            trainer.step(data.view(0, 8), data.targets(0, 8));
        }
    });
    CHECK(has(message, "train: the loss is "));
    CHECK(has(message, "1e+30"));
}

TEST_CASE("targets must fit the batch") {
    const ToyData data = toy_data(8);
    ToyModel model = toy_model();
    ToyTrainer trainer(model, {}, {}, {.batch = 8});
    const auto before = everything_of(trainer);
    CHECK(has(message_of([&] { trainer.step(data.view(0, 4), data.targets(0, 8)); }),
              "found 8 targets for 4 samples, expected 4"));
    const std::vector<std::int32_t> wrong{0, 1, 2, 4};
    CHECK(
        has(message_of([&] { trainer.step(data.view(0, 4), wrong); }), "the label of row 3 is 4"));
    CHECK(everything_of(trainer) == before);
}

TEST_CASE("two halves gathered for one update do for the whole batch") {
    using Dry = Replace<ToyNet, 5, ReLU>;  // without dropout
    using DryModel = Model<Dry, toy_image, Reference, double>;
    const ToyData data = toy_data(8);
    const std::vector<double> images(data.images.begin(), data.images.end());
    const auto part = [&](int first, int count) {
        return View<const double>{images.data() + first * toy_image.size(), count, toy_image};
    };
    DryModel whole_model;
    initialise(whole_model, He{}, 3);
    DryModel halves_model = whole_model.clone();
    const Sgd optimizer{.rate = 0.05, .decay = 0.01};
    Trainer whole(whole_model, SoftmaxCrossEntropy{}, optimizer, {.batch = 8});
    Trainer halves(halves_model, SoftmaxCrossEntropy{}, optimizer, {.batch = 4});
    for (int step = 0; step < 3; ++step) {
        const double loss = whole.step(part(0, 8), data.targets(0, 8));
        const double first = halves.accumulate(part(0, 4), data.targets(0, 4));
        const double second = halves.accumulate(part(4, 4), data.targets(4, 4));
        halves.update();
        CHECK((first + second) / 2 == doctest::Approx(loss).epsilon(1e-12));
    }
    CHECK(halves.steps() == 3);
    const auto expected = parameters_of(whole_model), found = parameters_of(halves_model);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-10));
    }
}

TEST_CASE("batches gathered for one update have masks of their own") {
    const ToyData data = toy_data(4);
    ToyModel model = toy_model();
    ToyTrainer trainer(model, {}, {}, {.batch = 4});
    const double first = trainer.accumulate(data.view(0, 4), data.targets(0, 4));
    const double second = trainer.accumulate(data.view(0, 4), data.targets(0, 4));
    CHECK(first != second);
    trainer.resume_at(0);  // forgets both
    for (float gradient : trainer.gradients()) REQUIRE(gradient == 0);
    CHECK(trainer.accumulate(data.view(0, 4), data.targets(0, 4)) == first);
}

TEST_CASE("the same seed gives the same bits, another seed others") {
    const ToyData data = toy_data(24);
    const auto run = [&](std::uint64_t seed) {
        ToyModel model = toy_model();
        ToyTrainer trainer(model, {}, {.rate = 0.05}, {.batch = 8, .seed = seed});
        for (int step = 0; step < 9; ++step) {
            const int first = step % 3 * 8;
            trainer.step(data.view(first, 8), data.targets(first, 8));
        }
        return everything_of(trainer);
    };
    const auto once = run(1);
    CHECK(run(1) == once);
    CHECK(run(2) != once);
}

TEST_CASE("training repeats its bits with one, two and four threads") {
    // Every op is large enough to start its threads.
    using Net = Seq<Conv<16, 3, Pad<1>>, ReLU, Lrn<>, MaxPool<2, Stride<2>>, Conv<32, 3>, ReLU,
                    Linear<64>, ReLU, Dropout<50>, Linear<4>, Softmax>;
    constexpr Shape large{3, 40, 40};
    std::vector<float> images(static_cast<std::size_t>(8 * large.size()));
    Random random({.seed = 5});
    for (float& value : images) value = random.uniform(-1, 1);
    const std::vector<std::int32_t> labels{0, 1, 2, 3, 0, 1, 2, 3};
    const auto run = [&] {
        Model<Net, large, Cpu> model;
        initialise(model, He{}, 1);
        Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 0.01}, {.batch = 8});
        for (int step = 0; step < 4; ++step) trainer.step({images.data(), 8, large}, labels);
        return everything_of(trainer);
    };
    const int before = Cpu::threads();
    for (const int threads : {1, 2, 4}) {
        cpu::set_max_threads(threads);
        const auto once = run();
        CHECK(std::ranges::all_of(once, [](float value) { return std::isfinite(value); }));
        CHECK(run() == once);
    }
    cpu::set_max_threads(before);
}

TEST_CASE("dropout drops the same elements with one, two and four threads") {
    // Large enough for the op to start its threads.
    using Net = Seq<Tapped<Dropout<40>>, Linear<2>>;
    constexpr Shape large{3, 80, 80};
    const Model<Net, large, Cpu> model;
    std::vector<float> input(static_cast<std::size_t>(4 * large.size()), 1.0f);
    const int before = Cpu::threads();
    std::vector<float> expected;
    for (const int threads : {1, 2, 4}) {
        cpu::set_max_threads(threads);
        auto workspace = model.workspace(4, Mode::training, large, true);
        model.forward(workspace, {input.data(), 4, large}, {7, Purpose::dropout, 3, 0});
        const auto masked = std::as_const(workspace).activation(1);
        const std::vector<float> found(masked.data, masked.data + masked.size());
        if (expected.empty()) expected = found;
        CHECK(found == expected);
    }
    cpu::set_max_threads(before);
    const auto dropped = static_cast<double>(std::ranges::count(expected, 0.0f));
    CHECK(dropped / static_cast<double>(expected.size()) == doctest::Approx(0.4).epsilon(0.02));
}

TEST_CASE("a trainer knows its bytes, and a copy of a model trains the same parameters") {
    ToyModel model = toy_model();
    const ToyModel same = model;
    const auto before = parameters_of(same);
    const ToyData data = toy_data(4);
    ToyTrainer trainer(model, {}, {}, {.batch = 4});
    CHECK(trainer.batch() == 4);
    CHECK(trainer.bytes() >
          static_cast<Index>(2 * sizeof(float)) * parameter_count<ToyNet>(toy_image));
    trainer.step(data.view(0, 4), data.targets(0, 4));
    CHECK(trainer.scores().shape == Shape{4, 1, 1});
    CHECK(parameters_of(same) != before);
    CHECK(parameters_of(same) == parameters_of(model));
}

TEST_CASE("dropout sets in after the steps it was told to wait") {
    using Dropping = Append<CutAfter<ToyNet, 0>, Dropout<60>, Linear<4>>;
    using Keeping = Append<CutAfter<ToyNet, 0>, Dropout<0>, Linear<4>>;
    const ToyData data = toy_data(8);
    Model<Dropping, ToyModel::input, Reference> dropping;
    Model<Keeping, ToyModel::input, Reference> keeping;
    initialise(dropping, He{}, 3);
    initialise(keeping, He{}, 3);
    Trainer waits(dropping, SoftmaxCrossEntropy{}, Sgd{}, {.batch = 8, .dropout_after = 2});
    Trainer never(keeping, SoftmaxCrossEntropy{}, Sgd{}, {.batch = 8});
    for (int step = 0; step < 3; ++step) {
        const double with = waits.step(data.view(0, 8), data.targets(0, 8));
        const double without = never.step(data.view(0, 8), data.targets(0, 8));
        CHECK((with == without) == (step < 2));
        const bool same = std::ranges::equal(dropping.parameters()[2], keeping.parameters()[2]);
        CHECK(same == (step < 2));
    }
}
