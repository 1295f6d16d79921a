// SPDX-License-Identifier: MIT
// A training step allocates nothing after the first, alone and in fit() with a loader.
#include <doctest/doctest.h>

#include <array>

#include "allocations.hpp"
#include "tessera/data/loader.hpp"
#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/softmax.hpp"
#include "tessera/train/fit.hpp"
#include "train/toy.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

/// All layers, large enough for threads to be worth their team.
using Net = Seq<Conv<32, 5, Stride<2>, Pad<0, 2>>, ReLU, Lrn<>, MaxPool<3, Stride<2>, Ceil>,
                Conv<32, 3, Pad<1>, Groups<2>, NoBias>, ReLU, AvgPool<2, Stride<1>>, Conv<24, 3>,
                ReLU, Dropout<20>, Linear<64>, ReLU, Dropout<>, Linear<10>, Softmax>;
constexpr Shape image{3, 57, 61};

template <class Scalar = float, class Loss, class Optimizer>
void check_steps(const Loss& loss, const Optimizer& optimizer) {
    Model<Net, image, Cpu, Scalar> model;
    initialise(model, He{}, 1);
    Trainer trainer(model, loss, optimizer, {.batch = 8});
    const std::vector<Scalar> input(static_cast<std::size_t>(8 * image.size()), Scalar(0.5));
    const std::vector<typename Loss::Target> targets(
        static_cast<std::size_t>(std::is_same_v<Loss, SoftmaxCrossEntropy> ? 8 : 80), 1);
    for (int step = 0; step < 4; ++step) {
        const long before = allocations;
        trainer.step({input.data(), step == 2 ? 3 : 8, image},
                     std::span(targets).first(targets.size() / 8 * (step == 2 ? 3 : 8)));
        trainer.accumulate({input.data(), 8, image}, targets);
        trainer.accumulate({input.data(), 8, image}, targets);
        trainer.update();
        if (step > 0) CHECK(allocations == before);
    }
    CHECK(trainer.steps() == 8);
}

/// Batches of toy data, prepared by two threads.
class LoadedToys {
public:
    explicit LoadedToys(const ToyData& data)
        : loader_(
              {.samples = data.size(), .batch = 8, .workers = 2},
              [] {
                  return Rows{std::vector<float>(8 * toy_image.size()), {}};
              },
              [&data](const LoaderSample& sample, Rows& rows) {
                  std::copy_n(data.view(static_cast<int>(sample.index), 1).data, toy_image.size(),
                              rows.pixels.data() + sample.position * toy_image.size());
                  rows.labels[static_cast<std::size_t>(sample.position)] =
                      data.labels[static_cast<std::size_t>(sample.index)];
              }) {}

    long batches() const { return loader_.batches(); }
    void start(int epoch, long first) { loader_.start(static_cast<std::uint32_t>(epoch), first); }
    bool next(Batch<float, std::int32_t>& batch) {
        const auto loaded = loader_.next();
        if (!loaded.batch) return false;
        batch = {{loaded.batch->pixels.data(), 8, toy_image}, loaded.batch->labels};
        return true;
    }

private:
    struct Rows {
        std::vector<float> pixels;
        std::array<std::int32_t, 8> labels;
    };
    Loader<Rows> loader_;
};

}  // namespace

TEST_CASE("fit with a loader allocates nothing from step to step") {
    check_that_allocations_are_counted();
    const ToyData data = toy_data(80);
    LoadedToys source(data);
    ToyModel model;
    initialise(model, He{}, 1);
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 1e-3}, {.batch = 8});
    Progress progress;
    long before = 0, steps = 0;
    fit(trainer, source, progress, {.epochs = 3, .on_step = [&](const StepReport& step) {
                                        // Between epochs the losses are noted, in vectors that
                                        // grow.
                                        if (step.progress.position > 1 && step.progress.step > 2) {
                                            CHECK(allocations == before);
                                            ++steps;
                                        }
                                        before = allocations;
                                    }});
    CHECK(steps == 3 * 9 - 1);
}

TEST_CASE("a training step allocates nothing after the first") {
    check_that_allocations_are_counted();
    check_steps(SoftmaxCrossEntropy{}, Sgd{.rate = 1e-3});
    check_steps(SoftmaxCrossEntropy{std::vector<float>(10, 0.5f)}, AdamW{.rate = 1e-4});
    check_steps(MultiLabelLogistic{}, Sgd{.rate = 1e-4, .form = Momentum::nesterov});
    check_steps(SquaredError<>{}, Sgd{.rate = 1e-4});
    // In double the weights of the classes are converted at each step.
    check_steps<double>(SoftmaxCrossEntropy{std::vector<float>(10, 0.5f)}, Sgd{.rate = 1e-3});
}
