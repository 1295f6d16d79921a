// SPDX-License-Identifier: MIT
// Transfer on a small scale: pre-train, cut, freeze, append, train.
#include <doctest/doctest.h>

#include <cmath>

#include "tessera/layer/softmax.hpp"
#include "tessera/net/surgery.hpp"
#include "tessera/train/fit.hpp"
#include "tessera/train/schedule.hpp"
#include "train/toy.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

using Trunk = CutAfter<ToyNet, "relu2">;
using TargetNet =
    Append<Freeze<Trunk>, Named<"fca", Linear<12>>, ReLU, Named<"fcb", Linear<4>>, Softmax>;
using TargetModel = Model<TargetNet, toy_image, Cpu>;

template <class ModelType>
void train(ModelType& model, const ToyData& data, int epochs) {
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 0.02}, {.batch = 16});
    ToySource source(data, 16);
    Progress progress;
    FitOptions options{.epochs = epochs};
    options.schedule = [](const Progress&, double done) { return cosine_schedule(done); };
    fit(trainer, source, progress, options);
}

template <class ModelType>
double accuracy(const ModelType& model, const ToyData& data) {
    auto workspace = model.workspace(16);
    ToySource source(data, 16);
    source.start(0, 0);
    const auto scored = [&](auto& batch) { return source.next(batch); };
    return evaluate(model, workspace, SoftmaxCrossEntropy{}, scored).top1;
}

}  // namespace

TEST_CASE("a trunk trained on one task, cut, frozen and extended, learns another") {
    const ToyData source_data = toy_data(256, 1), source_test = toy_data(128, 2);
    ToyModel source = toy_model();
    const double untrained = accuracy(source, source_test);
    train(source, source_data, 15);
    CHECK(accuracy(source, source_test) > 0.9);
    CHECK(accuracy(source, source_test) > untrained + 0.3);

    // Another labelling of the same pictures, from 32 of them.
    const ToyData few = toy_data(32, 3, 1), target_test = toy_data(128, 4, 1);
    const auto trunk_before = parameters_of(source);
    TargetModel target(source);
    initialise(target, He{}, 9);
    const double before = accuracy(target, target_test);
    train(target, few, 30);
    const double transferred = accuracy(target, target_test);
    CHECK(transferred > 0.9);
    CHECK(transferred > before + 0.3);
    // The source is as good as it was: the trunk is shared and did not move.
    CHECK(parameters_of(source) == trunk_before);
    CHECK(target.parameters()[0].data() == source.parameters()[0].data());

    // The same layers above a trunk that has learned nothing do worse.
    ToyModel raw = toy_model(4);
    TargetModel scratch(raw);
    initialise(scratch, He{}, 9);
    train(scratch, few, 30);
    CHECK(accuracy(scratch, target_test) < transferred);
}

TEST_CASE("what a model shares with its source both train, what it copied is its own") {
    const ToyData data = toy_data(16);
    using Open = Append<Trunk, Named<"fca", Linear<4>>>;
    ToyModel source = toy_model();
    Model<Open, toy_image, Cpu> sharing(source);
    Model<Open, toy_image, Cpu> copying(source, [](const ParameterEntry& entry) {
        return entry.layer == 0;  // conv1 alone is shared
    });
    for (int i = 0; i < 4; ++i) {
        CHECK(sharing.parameters()[i].data() == source.parameters()[i].data());
        CHECK((copying.parameters()[i].data() == source.parameters()[i].data()) == (i < 2));
        CHECK(std::ranges::equal(copying.parameters()[i], source.parameters()[i]));
    }
    for (float weight : sharing.parameters()[4]) CHECK(weight == 0);
    initialise(copying, He{}, 5);
    train(copying, data, 2);
    const std::vector<float> conv1(source.parameters()[0].begin(), source.parameters()[0].end());
    CHECK(std::ranges::equal(copying.parameters()[0], conv1));
    CHECK_FALSE(std::ranges::equal(copying.parameters()[2], source.parameters()[2]));
    const ToyModel untouched = toy_model();
    CHECK_FALSE(std::ranges::equal(source.parameters()[0], untouched.parameters()[0]));
    CHECK(std::ranges::equal(source.parameters()[2], untouched.parameters()[2]));
}
