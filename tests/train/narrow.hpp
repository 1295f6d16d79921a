// SPDX-License-Identifier: MIT
// A network of Bf16 beside one of float, on any backend.
#pragma once

#include <doctest/doctest.h>

#include <vector>

#include "files.hpp"
#include "layer/agreement.hpp"
#include "tessera/train/checkpoint.hpp"
#include "train/toy.hpp"

namespace tessera::test {

/// Trains for some steps on toy data; the losses.
template <class TrainerType>
std::vector<double> train(TrainerType& trainer, const ToyData& data, int first, int last) {
    std::vector<double> losses;
    for (int step = first; step < last; ++step) {
        const int at = step * 8 % data.size();
        losses.push_back(trainer.step(data.view(at, 8), data.targets(at, 8)));
    }
    return losses;
}

/// It gives the scores and takes the steps of the other, its parameters are kept in float.
template <class Backend>
void check_narrow_training() {
    using Narrow = Model<ToyNet, toy_image, Backend, Bf16>;
    static_assert(std::is_same_v<typename Narrow::Number, float>);
    constexpr TrainerOptions small_batches{.batch = 8, .seed = 5};
    const ToyData data = toy_data(64), unseen = toy_data(32, 2);
    const auto wide = toy_model();
    Narrow model(wide);
    CHECK(parameters_of(model) == parameters_of(wide));

    auto workspace = model.workspace(32);
    auto wide_workspace = wide.workspace(32);
    const auto expected = values(wide.forward(wide_workspace, unseen.view(0, 32)));
    const auto scores = values(model.forward(workspace, unseen.view(0, 32)));
    const std::vector<float> found(scores.begin(), scores.end());
    CHECK(apart(found, std::vector<double>(expected.begin(), expected.end())) < 1e-2);

    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 0.02}, small_batches);
    auto other = wide.clone();
    Trainer wide_trainer(other, SoftmaxCrossEntropy{}, Sgd{.rate = 0.02}, small_batches);
    const auto losses = train(trainer, data, 0, 8);
    const auto wide_losses = train(wide_trainer, data, 0, 8);
    for (std::size_t i = 0; i < losses.size(); ++i) {
        CHECK(losses[i] == doctest::Approx(wide_losses[i]).epsilon(0.03));
    }
    const auto after = everything_of(wide_trainer);
    CHECK(apart(everything_of(trainer), std::vector<double>(after.begin(), after.end())) < 0.02);

    // The working copy follows the parameters, whoever changes them.
    const auto before = values(model.forward(workspace, unseen.view(0, 32)));
    auto bias = model.parameters().on_host(model.parameter_arrays - 1);
    for (float& value : bias.span()) value += 1;
    bias.store();
    const auto moved = values(model.forward(workspace, unseen.view(0, 32)));
    for (std::size_t i = 0; i < moved.size(); ++i) {
        CHECK(float{moved[i]} == doctest::Approx(float{before[i]} + 1).epsilon(0.02));
    }

    const testing::TemporaryFolder folder;
    save_checkpoint(folder / "checkpoint", trainer, {.step = 8});
    auto third = toy_model<Backend>();
    Trainer in_float(third, SoftmaxCrossEntropy{}, Sgd{.rate = 0.02}, small_batches);
    load_checkpoint(folder / "checkpoint", in_float);
    CHECK(everything_of(in_float) == everything_of(trainer));
}

}  // namespace tessera::test
