// SPDX-License-Identifier: MIT
// fit: the training loop. It knows epochs, schedules, evaluation and when to stop; reading data,
// writing checkpoints and talking to people are the caller's.
#pragma once

#include <time.h>

#include <cmath>
#include <functional>
#include <string>
#include <type_traits>

#include "tessera/core/error.hpp"
#include "tessera/train/evaluate.hpp"
#include "tessera/train/progress.hpp"
#include "tessera/train/trainer.hpp"

namespace tessera {

/// After one update.
struct StepReport {
    const Progress& progress;
    long steps_per_epoch = 0;
    double loss = 0;  ///< of this batch
    double rate = 0;
    long samples = 0;  ///< in this batch
};

/// After one epoch.
struct EpochReport {
    const Progress& progress;
    double rate = 0;     ///< of the last step
    double seconds = 0;  ///< of the epoch's steps, evaluation not counted
    double samples_per_second = 0;
    Evaluation training;  ///< on the training subset, if any
    Evaluation validation;
};

struct FitOptions {
    int epochs = 1;
    /// Factor on the base rate for where training stands; `done` is the fraction of all epochs.
    std::function<double(const Progress&, double done)> schedule{};
    /// True ends the training before its last epoch, at an epoch's end: the plateau rule's.
    std::function<bool(const Progress&)> finished{};
    /// Asked after each step and after the evaluations; true stops at once. Ctrl-C goes here, and
    /// may end an evaluation early.
    std::function<bool()> interrupted{};
    std::function<void(const StepReport&)> on_step{};
    std::function<void(const EpochReport&)> on_epoch{};
    /// Evaluations at an epoch's end, on a fixed subset of the training set and on the validation
    /// set.
    std::function<Evaluation()> evaluate_training{};
    std::function<Evaluation()> evaluate_validation{};
    /// Told once, in a sentence, when the loss stays at that of guessing.
    std::function<void(const std::string&)> on_warning{};
    long stuck_after = 500;  ///< steps without progress before the warning
};

enum class FitOutcome { finished, interrupted };

namespace detail {
/// Of a clock that is never set. <chrono> would cost every user's unit 0.2 s.
inline double monotonic_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Source, class BatchType>
concept GivesBatches = requires(Source& source, BatchType& batch) {
    source.next(batch);
};

/// One step at a rate that is not the optimiser's own, which is back afterwards, whatever happens.
template <class TrainerType, class BatchType>
double step_at_rate(TrainerType& trainer, const BatchType& batch, double rate) {
    struct Restore {
        double& place;
        double value;
        ~Restore() { place = value; }
    } restore{trainer.optimizer.rate, trainer.optimizer.rate};
    trainer.optimizer.rate = rate;
    return trainer.step(batch.input, batch.targets);
}
}  // namespace detail

/// Trains until the epochs are over, the schedule says so or somebody interrupts. `source` has
///   long batches() const;                          batches per epoch, the same for every epoch
///   void start(int epoch, long position);          the next batch is this one
///   bool next(Batch<T, Target>&);                  false after the epoch's last batch
/// or a next() that takes batches of the backend's memory, Batch<T, Target, Memory>.
/// Begins where `progress` stands and keeps it up to date, so that a checkpoint of trainer and
/// progress taken in any callback resumes to the same bits. Throws Error when a loss is not
/// finite.
template <class TrainerType, class Source>
FitOutcome fit(TrainerType& trainer, Source& source, Progress& progress,
               const FitOptions& options) {
    using T = typename TrainerType::Number;
    const double base_rate = trainer.optimizer.rate;
    const double chance = TrainerType::LossType::chance(TrainerType::Scores::output);
    double recent = chance;  // running mean over about a hundred steps
    long seen = 0;           // steps in it
    bool warned = false;
    using Target = typename TrainerType::Target;
    using Own = Batch<typename TrainerType::Element, Target, typename TrainerType::Memory>;
    std::conditional_t<detail::GivesBatches<Source, Own>, Own, Batch<T, Target>> batch;
    const auto over = [&] { return options.finished && options.finished(progress); };
    // A checkpoint of the last epoch's end: nothing is left to do.
    if (progress.epoch > 0 && progress.position == 0 && over()) return FitOutcome::finished;
    while (progress.epoch < options.epochs) {
        const long batches = source.batches();
        require(batches > 0, "fit: the source has no batch");
        source.start(progress.epoch, progress.position);
        const double began = detail::monotonic_seconds();
        long samples = 0;
        const auto present_rate = [&] {
            const double done = (progress.epoch + static_cast<double>(progress.position) /
                                                      static_cast<double>(batches)) /
                                options.epochs;
            return base_rate * (options.schedule ? options.schedule(progress, done) : 1);
        };
        double rate = present_rate();
        while (source.next(batch)) {
            rate = present_rate();
            const double loss = detail::step_at_rate(trainer, batch, rate);
            ++progress.step;
            ++progress.position;
            progress.epoch_loss += loss;
            samples += batch.input.batch;
            recent += 0.01 * (loss - recent);
            if (!warned && ++seen >= options.stuck_after && options.on_warning &&
                std::abs(recent - chance) < 0.005 * chance) {
                warned = true;
                options.on_warning(text(
                    "the loss has stayed at ", recent, " for ", seen, " steps, that of guessing (",
                    chance,
                    "): lower or raise the rate, look at the initialisation (biases of 1, small "
                    "deviations) or normalise the first activations"));
            }
            if (options.on_step) {
                options.on_step(
                    {progress, batches, loss, rate, static_cast<long>(batch.input.batch)});
            }
            if (options.interrupted && options.interrupted()) return FitOutcome::interrupted;
        }
        const double seconds = detail::monotonic_seconds() - began;
        Evaluation training, validation;
        if (options.evaluate_training) training = options.evaluate_training();
        if (options.evaluate_validation) validation = options.evaluate_validation();
        // Cut short, evaluations count for nothing; a continuation begins with them.
        if (options.interrupted && options.interrupted()) return FitOutcome::interrupted;
        require(std::isfinite(training.loss) && std::isfinite(validation.loss), "fit: after epoch ",
                progress.epoch + 1, " the loss is ", training.loss, " on the training subset and ",
                validation.loss, " on the validation set: the rate of ", rate,
                " is too high, or an input is not "
                "finite");
        progress.train_loss.push_back(progress.epoch_loss /
                                      static_cast<double>(std::max(progress.position, 1L)));
        const EpochReport report{
            .progress = progress,
            .rate = rate,
            .seconds = seconds,
            .samples_per_second = seconds > 0 ? static_cast<double>(samples) / seconds : 0,
            .training = training,
            .validation = validation};
        if (options.evaluate_validation) progress.validation_loss.push_back(validation.loss);
        ++progress.epoch;
        progress.position = 0;
        progress.epoch_loss = 0;
        if (options.on_epoch) options.on_epoch(report);
        if (over()) break;
    }
    return FitOutcome::finished;
}

}  // namespace tessera
