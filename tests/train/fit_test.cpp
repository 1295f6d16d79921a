// SPDX-License-Identifier: MIT
// fit: what is called when, when it ends, and that a resumed training is the uninterrupted one.
#include "tessera/train/fit.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "files.hpp"
#include "tessera/train/checkpoint.hpp"
#include "tessera/train/schedule.hpp"
#include "train/toy.hpp"

using namespace tessera;
using namespace tessera::test;
using namespace tessera::testing;

namespace {

constexpr Sgd optimizer{.rate = 0.05};

/// A training of three epochs of four batches, from the first step or from a checkpoint.
template <class Optimizer>
struct Run {
    ToyModel model = toy_model();
    Trainer<ToyModel, SoftmaxCrossEntropy, Optimizer> trainer;
    Progress progress{};
    std::vector<double> losses{};
    std::vector<double> rates{};

    explicit Run(const Optimizer& used) : trainer(model, {}, used, {.batch = 6}) {}

    /// Stops after `stop` steps in all, or never, or at the end of an epoch.
    FitOutcome go(const ToyData& data, std::optional<long> stop = {}, bool at_epoch = false) {
        ToySource source(data, 6);  // the last batch has five samples
        auto workspace = trainer.model().workspace(6);
        long asked_at = -1;
        const FitOptions options{
            .epochs = 3,
            .schedule =
                [](const Progress& at, double done) {
                    return cosine_schedule(done) *
                           plateau_schedule({.patience = 1}, at.validation_loss);
                },
            .interrupted =
                [&] {
                    // Asked twice at an epoch's last step: after the step and the evaluation.
                    const bool again = asked_at == progress.step;
                    asked_at = progress.step;
                    return stop && progress.step == *stop && again == at_epoch;
                },
            .on_step =
                [&](const StepReport& report) {
                    losses.push_back(report.loss);
                    rates.push_back(report.rate);
                },
            .evaluate_validation =
                [&] {
                    source.start(0, 0);
                    return evaluate(trainer.model(), workspace, trainer.loss,
                                    [&](auto& batch) { return source.next(batch); });
                }};
        return fit(trainer, source, progress, options);
    }
};

template <class Optimizer>
void check_resumed(const Optimizer& used) {
    const TemporaryFolder folder;
    const ToyData data = toy_data(23);
    Run whole(used);
    CHECK(whole.go(data) == FitOutcome::finished);
    CHECK(whole.progress.step == 12);
    const auto expected = everything_of(whole.trainer);
    const auto check = [&](long stop, bool at_epoch) {
        CAPTURE(stop);
        CAPTURE(at_epoch);
        Run first(used);
        REQUIRE(first.go(data, stop, at_epoch) == FitOutcome::interrupted);
        CHECK(first.progress.step == stop);
        CHECK(first.progress.epoch == (stop - 1) / 4);  // evaluations are done again
        save_checkpoint(folder / "checkpoint", first.trainer, first.progress);
        Run second(used);
        for (float& weight : second.model.parameters()[0]) weight = 9;  // nothing is left of it
        second.progress = load_checkpoint(folder / "checkpoint", second.trainer);
        CHECK(second.progress == first.progress);
        CHECK(second.go(data) == FitOutcome::finished);
        CHECK(everything_of(second.trainer) == expected);
        CHECK(second.progress == whole.progress);
        first.losses.insert(first.losses.end(), second.losses.begin(), second.losses.end());
        first.rates.insert(first.rates.end(), second.rates.begin(), second.rates.end());
        CHECK(first.losses == whole.losses);
        CHECK(first.rates == whole.rates);
    };
    for (long stop = 1; stop <= 12; ++stop) check(stop, false);
    for (long stop : {4, 8, 12}) check(stop, true);
}

}  // namespace

TEST_CASE("a training interrupted at any step resumes from its checkpoint to the same bits") {
    check_resumed(optimizer);
    check_resumed(Sgd{.rate = 0.05, .form = Momentum::nesterov});
    check_resumed(AdamW{.rate = 0.003});
}

TEST_CASE("steps, evaluations and epochs are reported in order and with their numbers") {
    const ToyData data = toy_data(23);
    ToyModel model = toy_model();
    ToyTrainer trainer(model, {}, optimizer, {.batch = 6});
    ToySource source(data, 6);
    Progress progress;
    std::string calls;
    double sum = 0;
    long samples = 0;
    FitOptions options{.epochs = 2, .schedule = [](const Progress& at, double done) {
                           CHECK(done == doctest::Approx((at.epoch + at.position / 4.0) / 2));
                           return at.epoch == 0 ? 1.0 : 0.5;
                       }};
    options.on_step = [&](const StepReport& report) {
        calls += 's';
        CHECK(&report.progress == &progress);
        CHECK(report.steps_per_epoch == 4);
        samples += report.samples;
        CHECK(report.rate == doctest::Approx(report.progress.epoch == 0 ? 0.05 : 0.025));
        sum += report.loss;
    };
    options.evaluate_training = [&] {
        calls += 't';
        return Evaluation{.loss = 7};
    };
    options.evaluate_validation = [&] {
        calls += 'v';
        return Evaluation{.loss = 8, .samples = 3};
    };
    options.on_epoch = [&](const EpochReport& report) {
        calls += 'e';
        CHECK(report.rate == doctest::Approx(report.progress.epoch == 1 ? 0.05 : 0.025));
        CHECK(report.training.loss == 7);
        CHECK(report.validation.samples == 3);
        CHECK(report.progress.position == 0);
        CHECK(report.progress.validation_loss.size() == report.progress.train_loss.size());
        CHECK(report.progress.train_loss.back() == doctest::Approx(sum / 4));
        CHECK(report.samples_per_second > 0);
        CHECK(report.seconds > 0);
        sum = 0;
    };
    options.interrupted = [&] {
        calls += 'i';
        return false;
    };
    options.finished = [&](const Progress& at) {
        calls += 'f';
        CHECK(at.train_loss.size() == static_cast<std::size_t>(at.epoch));
        return false;
    };
    CHECK(fit(trainer, source, progress, options) == FitOutcome::finished);
    CHECK(calls ==
          "sisisisitvief"
          "sisisisitvief");
    CHECK(samples == 2 * 23);
    CHECK(progress.epoch == 2);
    CHECK(progress.step == 8);
    CHECK(progress.position == 0);
    CHECK(trainer.steps() == 8);
    CHECK(trainer.optimizer.rate == optimizer.rate);
    // Nothing is left to do.
    calls.clear();
    CHECK(fit(trainer, source, progress, options) == FitOutcome::finished);
    CHECK(progress.step == 8);
    CHECK(calls == "f");
}

TEST_CASE("the plateau rule ends a training early, and a resumed one stays ended") {
    const ToyData data = toy_data(12);
    ToyModel model = toy_model();
    ToyTrainer trainer(model, {}, optimizer, {.batch = 6});
    ToySource source(data, 6);
    Progress progress;
    const Plateau rule{.patience = 2, .drops = 1};
    std::vector<double> rates;
    FitOptions options{.epochs = 50};
    options.schedule = [&](const Progress& at, double) {
        return plateau_schedule(rule, at.validation_loss);
    };
    options.finished = [&](const Progress& at) {
        return plateau_state(rule, at.validation_loss).finished;
    };
    options.evaluate_validation = [] { return Evaluation{.loss = 1}; };
    options.on_epoch = [&](const EpochReport& report) { rates.push_back(report.rate); };
    CHECK(fit(trainer, source, progress, options) == FitOutcome::finished);
    CHECK(progress.epoch == 5);  // the first, two to wait, two more at a tenth
    CHECK(rates.front() == doctest::Approx(0.05));
    CHECK(rates.back() == doctest::Approx(0.005));
    const auto weights = parameters_of(model);
    CHECK(fit(trainer, source, progress, options) == FitOutcome::finished);
    CHECK(progress.epoch == 5);
    CHECK(parameters_of(model) == weights);
}

TEST_CASE("a loss that stays at that of guessing is told once, with what to do") {
    const ToyData data = toy_data(24);
    ToyModel model;  // zero weights learn nothing but the last biases
    ToyTrainer trainer(model, {}, {.rate = 1e-6}, {.batch = 6});
    ToySource source(data, 6);
    std::vector<std::string> warnings;
    FitOptions options{.epochs = 30, .stuck_after = 50};
    options.on_warning = [&](const std::string& words) { warnings.push_back(words); };
    Progress progress;
    fit(trainer, source, progress, options);
    REQUIRE(warnings.size() == 1);
    CHECK(has(warnings[0], "the loss has stayed at 1.386"));
    CHECK(has(warnings[0], "for 50 steps, that of guessing (1.386"));
    CHECK(has(warnings[0], "normalise the first activations"));
}

TEST_CASE("a training that learns is not warned, resumed ones included") {
    const ToyData data = toy_data(24);
    ToyModel model = toy_model();
    ToyTrainer trainer(model, {}, {.rate = 0.02}, {.batch = 6});
    ToySource source(data, 6);
    std::vector<std::string> warnings;
    FitOptions options{.epochs = 60, .stuck_after = 100};
    options.on_warning = [&](const std::string& words) { warnings.push_back(words); };
    Progress progress;
    fit(trainer, source, progress, options);
    CHECK(progress.train_loss.back() < 0.5);
    options.epochs = 62;
    fit(trainer, source, progress, options);
    CHECK(warnings.empty());
}

TEST_CASE(
    "after a loss that is not finite the optimiser has its own rate, progress its last step") {
    ToyData data = toy_data(12);
    data.images[static_cast<std::size_t>(7 * toy_image.size())] = NAN;
    ToyModel model = toy_model();
    ToyTrainer trainer(model, {}, optimizer, {.batch = 6});
    ToySource source(data, 6);
    Progress progress;
    FitOptions options{.epochs = 1};
    options.schedule = [](const Progress&, double) { return 0.5; };
    CHECK(has(message_of([&] { fit(trainer, source, progress, options); }),
              "lower the rate of 0.025"));
    CHECK(trainer.optimizer.rate == optimizer.rate);
    CHECK(progress.step == trainer.steps());
    CHECK(progress.step == progress.position);
    CHECK(progress.step < 2);
}

TEST_CASE("a validation loss that is not finite ends the training with a word about the rate") {
    const ToyData data = toy_data(12);
    ToyModel model = toy_model();
    ToyTrainer trainer(model, {}, optimizer, {.batch = 6});
    ToySource source(data, 6);
    Progress progress;
    FitOptions options{.epochs = 2};
    options.evaluate_validation = [] { return Evaluation{.loss = NAN, .samples = 3}; };
    CHECK(message_of([&] { fit(trainer, source, progress, options); }) ==
          "fit: after epoch 1 the loss is 0 on the training subset and nan on the validation set: "
          "the rate of 0.05 is too high, or an input is not finite");
}

TEST_CASE("a source without a batch is an Error") {
    const ToyData none;
    ToyModel model = toy_model();
    ToyTrainer trainer(model, {}, optimizer, {.batch = 6});
    ToySource source(none, 6);
    Progress progress;
    CHECK(has(message_of([&] { fit(trainer, source, progress, {}); }), "the source has no batch"));
}
