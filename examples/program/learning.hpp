// SPDX-License-Identifier: MIT
// Learning in a run folder: fit() with a progress line, a log, checkpoints and resume.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "program/console.hpp"
#include "program/interrupt.hpp"
#include "program/run_folder.hpp"
#include "tessera/data/loader.hpp"
#include "tessera/train/checkpoint.hpp"
#include "tessera/train/fit.hpp"
#include "tessera/train/schedule.hpp"

namespace program {

using namespace tessera;

struct LearningSettings {
    int epochs = 30, batch = 128;
    double rate = 0.01, momentum = 0.9, decay = 0.0005, warm_up = 0;
    double dropout_after = 0;  ///< fraction of the training
    std::string schedule = "steps";
    bool plateau_on_validation = false;
    std::uint64_t seed = 1;
    long checkpoint_steps = 2000;
    bool resume = false;
    bool record = false;                         ///< steps as recordings of the GPU's
    std::string task, unit;                      ///< "training the head", "patches"
    std::map<std::string, std::string> fixed{};  ///< what a continuation must agree with
};

/// The fraction of the training before dropout sets in. Dropout that sets in raises the loss, which
/// the plateau rule would take for a plateau: under that rule it acts from the start, and asking
/// for anything else throws Error.
inline double dropout_onset(const std::string& schedule, bool asked, double fraction) {
    if (schedule != "plateau") return fraction;
    require(!asked || fraction == 0, "--dropout-after: found ", fraction,
            " beside --schedule plateau, expected 0: the rule compares losses, and dropout that "
            "sets in raises them");
    return 0;
}

/// Whether a run goes on from the folder's checkpoint. Throws Error when one lies there and nobody
/// asked for it.
inline bool resuming(const RunFolder& run, bool asked) {
    const bool found = run.has("checkpoint.safetensors");
    require(asked || !found, run.path(),
            ": found a checkpoint of an earlier run; give --resume to go on from it, or another "
            "--out");
    if (asked && !found) {
        std::fprintf(stderr, "no checkpoint in %s yet: starting at the first step\n",
                     run.path().c_str());
    }
    return asked && found;
}

/// Samples that are ready to be copied into a batch by threads of a Loader: the source of fit().
template <class Target>
class SampleBatches {
public:
    using BatchType = Batch<float, Target>;
    struct Options {
        Shape shape{};
        Index samples = 0;
        int targets = 1;  ///< per sample
        int batch = 128;
        std::uint64_t seed = 1;
        bool training = false;  ///< in random order and whole batches only
    };
    /// Writes one sample and its targets.
    using Fill = std::function<void(const LoaderSample&, float* input, Target* targets)>;

    SampleBatches(const Options& options, Fill fill)
        : options_(options),
          loader_(
              {.samples = options.samples,
               .batch = options.batch,
               .workers = 1,
               .seed = options.seed,
               .shuffle = options.training,
               .whole_batches = options.training},
              [options] {
                  return Rows{Buffer<float>(options.batch * options.shape.size()),
                              std::vector<Target>(
                                  static_cast<std::size_t>(options.batch * options.targets))};
              },
              [options, fill = std::move(fill)](const LoaderSample& sample, Rows& rows) {
                  fill(sample, rows.input.data() + sample.position * options.shape.size(),
                       rows.targets.data() + sample.position * options.targets);
              }) {}
    SampleBatches(const SampleBatches&) = delete;

    long batches() const { return loader_.batches(); }
    void start(int epoch, long position) {
        loader_.start(static_cast<std::uint32_t>(epoch), position);
    }
    bool next(BatchType& batch) {
        const auto loaded = loader_.next();
        if (!loaded.batch) return false;
        const std::size_t rows = loaded.samples.size();
        batch.input = {loaded.batch->input.data(), static_cast<int>(rows), options_.shape};
        batch.targets = std::span(loaded.batch->targets)
                            .first(rows * static_cast<std::size_t>(options_.targets));
        return true;
    }

private:
    struct Rows {
        Buffer<float> input;
        std::vector<Target> targets;
    };

    Options options_;
    Loader<Rows> loader_;
};

/// What the plateau rule goes by: the paper's is the training loss for the target task,
/// Krizhevsky's the validation set for the source task.
inline const std::vector<double>& plateau_loss(const LearningSettings& s,
                                               const Progress& progress) {
    return s.plateau_on_validation ? progress.validation_loss : progress.train_loss;
}

inline double schedule_factor(const LearningSettings& s, const Progress& progress, double done) {
    double factor = 1;
    if (s.schedule == "steps") factor = multi_step_schedule(done, std::vector<double>{0.64, 0.88});
    if (s.schedule == "cosine") factor = cosine_schedule(done);
    if (s.schedule == "plateau") factor = plateau_schedule({}, plateau_loss(s, progress));
    return factor * warm_up(done, s.warm_up, 0.1);
}

/// What a source fills: a batch in the model's memory where the source can, else in the host's.
template <class ModelType, class Loss, class Source>
struct BatchOf {
    using Target = typename Loss::Target;
    using Host = Batch<typename ModelType::Number, Target>;
    using Own = Batch<typename ModelType::Element, Target, typename ModelType::Memory>;
    using type = std::conditional_t<tessera::detail::GivesBatches<Source, Own>, Own, Host>;
};

/// Loss over a set without learning, and how often the largest score is right where a sample has
/// one label. Ends early, with what was seen, when interrupted.
template <class ModelType, class Loss, class Source>
Evaluation evaluate_on(const ModelType& model, typename ModelType::Workspace& workspace,
                       const Loss& loss, Source& source) {
    typename BatchOf<ModelType, Loss, Source>::type batch;
    source.start(0, 0);
    const auto next = [&](auto& wanted) { return !interrupted() && source.next(wanted); };
    if constexpr (std::is_same_v<typename Loss::Target, std::int32_t>) {
        return evaluate(model, workspace, loss, next, batch);
    } else {
        Evaluation sum;
        LossMemory<typename ModelType::Memory> memory;
        typename ModelType::Element* const no_gradient = nullptr;
        while (next(batch)) {
            loss.template operator()<typename ModelType::BackendType>(
                model.forward(workspace, batch.input), batch.targets, no_gradient, memory);
            sum.loss += batch.input.batch * memory.value();
            sum.samples += batch.input.batch;
        }
        sum.loss /= static_cast<double>(std::max(sum.samples, 1L));
        return sum;
    }
}

/// Sets on which the network is evaluated after each epoch; either may be missing.
template <class Source>
struct WatchedSets {
    Source* validation = nullptr;
    Source* training_subset = nullptr;
};

/// One line for people, with what was measured.
inline std::string epoch_words(const LearningSettings& s, const Progress& progress,
                               const EpochReport& epoch) {
    std::string words = text("epoch ", progress.epoch, ": loss ", progress.train_loss.back());
    auto add = [&](const char* what, double fraction) {
        if (fraction > 0) words += text(", ", what, " ", std::lround(1000 * fraction) / 10.0, " %");
    };
    add("train top-1", epoch.training.top1);
    if (epoch.validation.samples > 0) words += text(", validation loss ", epoch.validation.loss);
    add("top-1", epoch.validation.top1);
    add("top-5", epoch.validation.top5);
    return words + text(", rate ", epoch.rate, ", ", std::lround(epoch.samples_per_second), " ",
                        s.unit, "/s");
}

/// The same for the log.
inline json epoch_event(const Progress& progress, const EpochReport& epoch) {
    json event{{"epoch", progress.epoch},
               {"loss", progress.train_loss.back()},
               {"rate", epoch.rate},
               {"seconds", epoch.seconds},
               {"per_second", epoch.samples_per_second}};
    if (epoch.training.samples > 0) {
        event["train_subset_loss"] = epoch.training.loss;
        event["train_top1"] = epoch.training.top1;
    }
    if (epoch.validation.samples > 0) {
        event["val_loss"] = epoch.validation.loss;
        event["val_top1"] = epoch.validation.top1;
        event["val_top5"] = epoch.validation.top5;
    }
    return event;
}

/// Trains `model` in place. False when interrupted: then the checkpoint holds everything.
template <class ModelType, class Loss, class Source>
bool learn(const LearningSettings& s, RunFolder& run, ModelType& model, const Loss& loss,
           Source& training, const WatchedSets<Source>& watched) {
    const double steps = static_cast<double>(training.batches()) * s.epochs;
    Trainer trainer(model, loss, Sgd{.rate = s.rate, .momentum = s.momentum, .decay = s.decay},
                    {.batch = s.batch,
                     .seed = s.seed,
                     .dropout_after = std::lround(s.dropout_after * steps),
                     .record = s.record});
    auto workspace = trainer.model().workspace(s.batch);
    Progress progress;
    const std::string checkpoint = run.file("checkpoint.safetensors");
    if (s.resume) {
        progress = load_checkpoint(checkpoint, trainer, s.fixed);
        std::fprintf(stderr, "resuming at step %ld, epoch %d\n", progress.step, progress.epoch + 1);
    }
    const Clock::time_point began = Clock::now();
    ProgressLine line(s.task, steps * s.batch, s.unit);
    line.begin_at(static_cast<double>(progress.step * s.batch));
    double recent = 0;  // mean loss of about the last fifty steps
    auto save = [&] { save_checkpoint(checkpoint, trainer, progress, s.fixed); };

    FitOptions options;
    options.epochs = s.epochs;
    options.schedule = [&](const Progress& at, double done) {
        return schedule_factor(s, at, done);
    };
    options.finished = [&](const Progress& at) {
        return s.schedule == "plateau" && plateau_state({}, plateau_loss(s, at)).finished;
    };
    options.interrupted = interrupted;
    options.on_warning = [&](const std::string& words) { line.say("warning: " + words); };
    options.on_step = [&](const StepReport& step) {
        recent += (step.progress.step == 1 ? 1 : 0.02) * (step.loss - recent);
        line.update(static_cast<double>(step.progress.step * s.batch),
                    [&] { return text("epoch ", progress.epoch + 1, ", loss ", recent); });
        if (step.progress.step % 50 == 0) {
            run.log("step",
                    {{"step", step.progress.step}, {"loss", step.loss}, {"rate", step.rate}});
        }
        if (step.progress.step % s.checkpoint_steps == 0) save();
    };
    auto evaluation_of = [&](Source& set) {
        return evaluate_on(trainer.model(), workspace, trainer.loss, set);
    };
    if (watched.validation) {
        options.evaluate_validation = [&] { return evaluation_of(*watched.validation); };
    }
    if (watched.training_subset) {
        options.evaluate_training = [&] { return evaluation_of(*watched.training_subset); };
    }
    options.on_epoch = [&](const EpochReport& epoch) {
        line.say(epoch_words(s, progress, epoch));
        run.log("epoch", epoch_event(progress, epoch));
        save();
    };
    const long first = progress.step;
    const FitOutcome outcome = fit(trainer, training, progress, options);
    line.finish();
    if (outcome == FitOutcome::interrupted) {
        save();
        run.log("interrupted", {{"step", progress.step}});
        std::fprintf(stderr,
                     "stopped at step %ld; everything is in %s\n"
                     "to go on: the same command with --resume\n",
                     progress.step, checkpoint.c_str());
        return false;
    }
    if (progress.step == first) return true;  // it was over when it was interrupted
    const double seconds = seconds_since(began);
    const double samples = static_cast<double>((progress.step - first) * s.batch);
    std::fprintf(stderr, "%s: %ld steps in %s, %.0f %s/s\n", s.task.c_str(), progress.step - first,
                 duration_text(seconds).c_str(), seconds > 0 ? samples / seconds : 0,
                 s.unit.c_str());
    run.log("stage", {{"stage", s.task},
                      {"count", samples},
                      {"unit", s.unit},
                      {"seconds", seconds},
                      {"per_second", seconds > 0 ? samples / seconds : 0}});
    return true;
}

}  // namespace program
