// SPDX-License-Identifier: MIT
// Pre-trains a network on an ImageNet-style folder: the source task of the paper.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <thread>

#include "program/images.hpp"
#include "program/input_spec.hpp"
#include "program/interrupt.hpp"
#include "program/networks.hpp"
#include "program/run_folder.hpp"
#include "program/threads.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/train/checkpoint.hpp"
#include "tessera/train/fit.hpp"
#include "tessera/train/initialise.hpp"
#include "tessera/train/schedule.hpp"

using namespace tessera;
using namespace program;

namespace {

struct Settings {
    std::string data, out, network = "small", schedule = "steps", init = "he", bad = "stop";
    std::string val_truth, val_ids;
    int epochs = 25, batch = 64, threads = 0;
    double rate = 0.01, momentum = 0.9, decay = 0.0005, warm_up = 0, dropout_after = 0.1;
    std::uint64_t seed = 1;
    long checkpoint_steps = 500;
    long memory = 1024;
    bool resume = false, normalise = true;

    /// What must not change between a run and its continuation.
    std::map<std::string, std::string> fixed() const {
        return {{"network", network},
                {"schedule", schedule},
                {"init", init},
                {"epochs", text(epochs)},
                {"batch", text(batch)},
                {"rate", text(rate)},
                {"momentum", text(momentum)},
                {"decay", text(decay)},
                {"warm_up", text(warm_up)},
                {"normalise", text(normalise)},
                {"dropout_after", text(dropout_after)}};
    }
};

void add_options(CLI::App& app, Settings& s) {
    app.add_option("--data", s.data, "folder with train/<class>/* and val/<class>/*")->required();
    app.add_option("--out", s.out, "run folder: config.json, log.jsonl, checkpoint, weights")
        ->required();
    app.add_option("--network", s.network, "small (64 x 64 pictures) or alexnet (256 x 256)")
        ->capture_default_str();
    app.add_option("--epochs", s.epochs)->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--batch", s.batch)->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--rate", s.rate, "learning rate at the beginning")->capture_default_str();
    app.add_option("--momentum", s.momentum)->capture_default_str()->check(CLI::Range(0.0, 1.0));
    app.add_option("--decay", s.decay, "weight decay; biases have none")->capture_default_str();
    app.add_option(
           "--schedule", s.schedule,
           "steps (a tenth at 64 % and 88 %), cosine, plateau (the paper's rule) or constant")
        ->capture_default_str()
        ->check(CLI::IsMember({"steps", "cosine", "plateau", "constant"}));
    app.add_option("--warm-up", s.warm_up, "fraction of the training over which the rate rises")
        ->capture_default_str();
    app.add_option("--dropout-after", s.dropout_after,
                   "fraction of the training before dropout sets in; with dropout from the start a "
                   "small network can sit at ln(classes) for hundreds of steps")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--init", s.init, "he, xavier or krizhevsky")
        ->capture_default_str()
        ->check(CLI::IsMember({"he", "xavier", "krizhevsky"}));
    app.add_flag("--normalise,!--no-normalise", s.normalise,
                 "rescale the first weights so that activations over a batch have deviation 1")
        ->capture_default_str();
    app.add_option("--seed", s.seed)->capture_default_str();
    app.add_option("--threads", s.threads, "0: all the machine has")->capture_default_str();
    app.add_option("--memory", s.memory, "MB of decoded pictures kept")->capture_default_str();
    app.add_option("--bad", s.bad, "unreadable pictures: stop, or skip and count")
        ->capture_default_str()
        ->check(CLI::IsMember({"stop", "skip"}));
    app.add_option("--checkpoint-steps", s.checkpoint_steps, "steps between checkpoints")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_flag("--resume", s.resume, "go on from the checkpoint in --out, to the same bits");
    auto* truth = app.add_option("--val-truth", s.val_truth,
                                 "ILSVRC's flat val/: list with one integer a picture");
    app.add_option("--val-ids", s.val_ids, "and the list of `integer class` lines")->needs(truth);
}

ImageSet read_validation(const Settings& s, const ImageSet& training) {
    if (s.val_truth.empty()) return read_image_folder(s.data + "/val", training.classes);
    return read_flat_images({s.data + "/val", s.val_truth, s.val_ids}, training.classes);
}

double schedule_factor(const Settings& s, const Progress& progress, double done) {
    double factor = 1;
    if (s.schedule == "steps") factor = multi_step_schedule(done, std::vector<double>{0.64, 0.88});
    if (s.schedule == "cosine") factor = cosine_schedule(done);
    if (s.schedule == "plateau") factor = plateau_schedule({}, progress.validation_loss);
    return factor * warm_up(done, s.warm_up, 0.1);
}

template <class ModelType>
void initialise_weights(const Settings& s, ModelType& model, ImageBatches& batches) {
    if (s.init == "he") initialise(model, He{}, s.seed);
    if (s.init == "xavier") initialise(model, Xavier{}, s.seed);
    if (s.init == "krizhevsky") initialise(model, Krizhevsky{}, s.seed);
    if (!s.normalise) return;
    Batch<float, std::int32_t> batch;
    batches.start(0, 0);
    if (batches.next(batch)) normalise_activations(model, batch.input);
}

template <class Choice, int Classes>
int train(const Settings& s, RunFolder& run, const ImageSet& training_set,
          const ImageSet& validation_set) {
    using Net = typename Choice::template Net<Classes>;
    using ModelType = Model<Net, Choice::input, Cpu>;
    const int threads = Cpu::threads();
    const bool skip = s.bad == "skip";
    const Index memory = Index{s.memory} << 20;

    PreparedImages training(training_set, Choice::image, memory);
    PreparedImages validation(validation_set, Choice::image, memory / 4);
    Index skipped = 0;
    const MeanAccumulator sum = training.prepare(threads, skip, skipped, interrupted);
    if (interrupted()) return 130;
    if (skipped > 0) std::fprintf(stderr, "%td unreadable pictures are left out\n", skipped);
    const InputSpec spec{Choice::name, Choice::image, Choice::scale, sum.image(),
                         training_set.classes};
    const Normaliser normaliser = spec.normaliser();

    const ImageBatchOptions plain{
        .crop = Choice::input, .batch = s.batch, .seed = s.seed, .skip_bad = skip};
    ImageBatchOptions augmented = plain;
    augmented.augment = true;
    ImageBatches batches(training, normaliser, augmented);
    ImageBatches training_subset(training, normaliser, plain, validation.size() / 2);
    ImageBatches validation_batches(validation, normaliser, plain);

    ModelType model;
    if (!s.resume) initialise_weights(s, model, batches);
    Trainer trainer(
        model, SoftmaxCrossEntropy{}, Sgd{.rate = s.rate, .momentum = s.momentum, .decay = s.decay},
        {.batch = s.batch,
         .seed = s.seed,
         .dropout_after =
             std::lround(s.dropout_after * static_cast<double>(batches.batches() * s.epochs))});
    auto workspace = trainer.model().workspace(s.batch);
    Progress progress;
    const std::string checkpoint = run.file("checkpoint.safetensors");
    if (s.resume) {
        progress = load_checkpoint(checkpoint, trainer, s.fixed());
        std::fprintf(stderr, "resuming at step %ld, epoch %d\n", progress.step, progress.epoch + 1);
    }
    run.log("start", {{"program", "pretrain"},
                      {"step", progress.step},
                      {"training_images", training.size()},
                      {"validation_images", validation.size()},
                      {"classes", Classes},
                      {"parameters", parameter_count<Net>(Choice::input)},
                      {"threads", threads},
                      {"skipped", skipped}});

    const long total = batches.batches() * s.epochs * s.batch;
    ProgressLine line("pre-training", static_cast<double>(total), "images");
    line.begin_at(static_cast<double>(progress.step * s.batch));
    double loss_mean = -1;  // over about fifty steps
    auto evaluate_set = [&](ImageBatches& set) {
        set.start(0, 0);
        return evaluate(trainer.model(), workspace, trainer.loss,
                        [&](auto& batch) { return set.next(batch); });
    };
    const Clock::time_point began = Clock::now();
    const FitOutcome outcome = fit(
        trainer, batches, progress,
        {.epochs = s.epochs,
         .schedule = [&](const Progress& at, double done) { return schedule_factor(s, at, done); },
         .finished =
             [&](const Progress& at) {
                 return s.schedule == "plateau" && plateau_state({}, at.validation_loss).finished;
             },
         .interrupted = interrupted,
         .on_step =
             [&](const StepReport& step) {
                 loss_mean = loss_mean < 0 ? step.loss : 0.98 * loss_mean + 0.02 * step.loss;
                 line.update(static_cast<double>(step.progress.step * s.batch),
                             text("epoch ", progress.epoch + 1, ", loss ", loss_mean));
                 if (step.progress.step % 50 == 0) {
                     run.log(
                         "step",
                         {{"step", step.progress.step}, {"loss", step.loss}, {"rate", step.rate}});
                 }
                 if (step.progress.step % s.checkpoint_steps == 0) {
                     save_checkpoint(checkpoint, trainer, progress, s.fixed());
                 }
             },
         .on_epoch =
             [&](const EpochReport& epoch) {
                 char words[200];
                 std::snprintf(words, sizeof words,
                               "epoch %d: loss %.3f, train top-1 %.1f %%, validation loss %.3f, "
                               "top-1 %.1f %%, top-5 %.1f %%, rate %g, %.0f images/s",
                               progress.epoch, progress.train_loss.back(),
                               100 * epoch.training.top1, epoch.validation.loss,
                               100 * epoch.validation.top1, 100 * epoch.validation.top5, epoch.rate,
                               epoch.samples_per_second);
                 line.say(words);
                 run.log("epoch", {{"epoch", progress.epoch},
                                   {"loss", progress.train_loss.back()},
                                   {"train_top1", epoch.training.top1},
                                   {"train_subset_loss", epoch.training.loss},
                                   {"val_loss", epoch.validation.loss},
                                   {"val_top1", epoch.validation.top1},
                                   {"val_top5", epoch.validation.top5},
                                   {"rate", epoch.rate},
                                   {"seconds", epoch.seconds},
                                   {"images_per_second", epoch.samples_per_second}});
                 save_checkpoint(checkpoint, trainer, progress, s.fixed());
             },
         .evaluate_training = [&] { return evaluate_set(training_subset); },
         .evaluate_validation = [&] { return evaluate_set(validation_batches); },
         .on_warning = [&](const std::string& words) { line.say("warning: " + words); }});
    line.finish();

    if (outcome == FitOutcome::interrupted) {
        save_checkpoint(checkpoint, trainer, progress, s.fixed());
        run.log("interrupted", {{"step", progress.step}});
        std::fprintf(stderr,
                     "stopped at step %ld; everything is in %s\n"
                     "to go on: the same command with --resume\n",
                     progress.step, checkpoint.c_str());
        return 130;
    }
    const Evaluation last = evaluate_set(validation_batches);
    save_weights(model, run.file("weights.safetensors"), spec.metadata(), {}, spec.tensors());
    run.log("finish", {{"seconds", seconds_since(began)},
                       {"val_top1", last.top1},
                       {"val_top5", last.top5},
                       {"skipped", batches.skipped()}});
    std::printf("top-1 %.2f %%, top-5 %.2f %% on %ld validation images; weights in %s\n",
                100 * last.top1, 100 * last.top5, last.samples,
                run.file("weights.safetensors").c_str());
    return 0;
}

int run_program(const Settings& s) {
    const ImageSet training = read_image_folder(s.data + "/train");
    const ImageSet validation = read_validation(s, training);
    RunFolder run(s.out);
    require(
        s.resume || !run.has("checkpoint.safetensors"), s.out,
        ": found a checkpoint of an earlier run; give --resume to go on from it, or another --out");
    if (!s.resume) {
        nlohmann::json config = s.fixed();
        config["data"] = s.data;
        config["seed"] = s.seed;
        run.write_config(config);
    }
    const int classes = static_cast<int>(training.classes.size());
    return with_network(s.network, [&](auto choice) {
        return with_source_classes(classes, [&](auto count) {
            return train<decltype(choice), count>(s, run, training, validation);
        });
    });
}

}  // namespace

int main(int argc, char** argv) {
    wait_without_spinning(argv);
    CLI::App app{"Pre-trains a network on an ImageNet-style folder of pictures."};
    Settings settings;
    add_options(app, settings);
    CLI11_PARSE(app, argc, argv);
    watch_interrupts();
    try {
        if (settings.threads > 0) cpu::set_max_threads(settings.threads);
        return run_program(settings);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "pretrain: %s\n", error.what());
        return 1;
    }
}
