// SPDX-License-Identifier: MIT
// Pre-trains a network on an ImageNet-style folder: the source task of the paper.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "program/device.hpp"
#include "program/images.hpp"
#include "program/input_spec.hpp"
#include "program/interrupt.hpp"
#include "program/learning.hpp"
#include "program/networks.hpp"
#include "program/run_folder.hpp"
#include "program/threads.hpp"
#include "tessera/train/initialise.hpp"

using namespace tessera;
using namespace program;

namespace {

struct Settings {
    std::string data, out, network = "small", schedule = "steps", init = "he", bad = "stop";
    std::string val_truth, val_ids, device = "cpu";
    int epochs = 25, batch = 64, threads = 0;
    double rate = 0.01, momentum = 0.9, decay = 0.0005, warm_up = 0, dropout_after = 0.1;
    double zoom = 1;
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
                {"dropout_after", text(dropout_after)},
                {"zoom", text(zoom)}};
    }
    LearningSettings learning() const {
        return {.epochs = epochs,
                .batch = batch,
                .rate = rate,
                .momentum = momentum,
                .decay = decay,
                .warm_up = warm_up,
                .dropout_after = dropout_after,
                .schedule = schedule,
                .plateau_on_validation = true,
                .seed = seed,
                .checkpoint_steps = checkpoint_steps,
                .resume = resume,
                .task = "pre-training",
                .unit = "images",
                .fixed = fixed()};
    }
};

void add_options(CLI::App& app, Settings& s) {
    app.add_option("--data", s.data, "folder with train/<class>/* and val/<class>/*")->required();
    app.add_option("--out", s.out, "run folder: config.json, log.jsonl, checkpoint, weights")
        ->required();
    app.add_option("--network", s.network,
                   "small (64 x 64 pictures), alexnet or alexnet6144 (256 x 256), where built in")
        ->capture_default_str();
    app.add_option("--epochs", s.epochs)->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--batch", s.batch)->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--rate", s.rate, "learning rate at the beginning")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--momentum", s.momentum)->capture_default_str()->check(CLI::Range(0.0, 1.0));
    app.add_option("--decay", s.decay, "weight decay; biases have none")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option(
           "--schedule", s.schedule,
           "steps (a tenth at 64 % and 88 %), cosine, plateau (the paper's rule) or constant")
        ->capture_default_str()
        ->check(CLI::IsMember({"steps", "cosine", "plateau", "constant"}));
    app.add_option("--warm-up", s.warm_up, "fraction of the training over which the rate rises")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--dropout-after", s.dropout_after,
                   "fraction of the training before dropout sets in; with dropout from the start a "
                   "small network can sit at ln(classes) for hundreds of steps")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--zoom", s.zoom,
                   "smallest side of the part of a picture that training may zoom to, in sides of "
                   "the picture; 1: crops and mirrors only, as Krizhevsky")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 1.0));
    app.add_option("--init", s.init, "he, xavier or krizhevsky")
        ->capture_default_str()
        ->check(CLI::IsMember({"he", "xavier", "krizhevsky"}));
    app.add_flag("--normalise,!--no-normalise", s.normalise,
                 "rescale the first weights so that activations over a batch have deviation 1")
        ->capture_default_str();
    app.add_option("--seed", s.seed)->capture_default_str();
    add_device_option(app, s.device);
    app.add_option("--threads", s.threads, "0: all the machine has")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--memory", s.memory, "MB of decoded pictures kept")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--bad", s.bad, "unreadable pictures: stop, or skip and count")
        ->capture_default_str()
        ->check(CLI::IsMember({"stop", "skip"}));
    app.add_option("--checkpoint-steps", s.checkpoint_steps, "steps between checkpoints")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_flag("--resume", s.resume, "go on from the checkpoint in --out, to the same bits");
    auto* truth = app.add_option("--val-truth", s.val_truth,
                                 "ILSVRC's flat val/: list with one integer a picture");
    auto* ids = app.add_option("--val-ids", s.val_ids, "and the list of `integer class` lines");
    ids->needs(truth);
    truth->needs(ids);
}

ImageSet read_validation(const Settings& s, const ImageSet& training) {
    if (s.val_truth.empty()) return read_image_folder(s.data + "/val", training.classes);
    return read_flat_images({s.data + "/val", s.val_truth, s.val_ids}, training.classes);
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

template <class Backend, class Choice, int Classes>
int train(const Settings& s, RunFolder& run, const ImageSet& training_set,
          const ImageSet& validation_set) {
    using Net = typename Choice::template Net<Classes>;
    using ModelType = Model<Net, Choice::input, Backend>;
    const int threads = Cpu::threads();
    const bool skip = s.bad == "skip";
    const Index memory = Index{s.memory} << 20;

    PreparedImages training(training_set, Choice::image, memory);
    PreparedImages validation(validation_set, Choice::image, memory / 4);
    Index skipped = 0;
    // A continuation that keeps no pictures in memory has no need to decode all of them again.
    const std::string input_file = run.file("input.safetensors");
    InputSpec spec{Choice::name, Choice::image, Choice::scale, {}, training_set.classes};
    if (s.resume && !training.kept() && path_exists(input_file)) {
        spec = InputSpec::read(SafetensorsFile(input_file));
    } else {
        spec.mean = training.prepare(skip, skipped).image();
        validation.prepare(skip, skipped);
        if (interrupted()) {
            std::fprintf(stderr, "stopped before training; to go on: the same command\n");
            return 130;
        }
        write_safetensors(input_file, spec.tensors(), spec.metadata());
    }
    if (skipped > 0) std::fprintf(stderr, "%td unreadable pictures are left out\n", skipped);
    const Normaliser normaliser = spec.normaliser();

    const ImageBatchOptions plain{.crop = Choice::input,
                                  .batch = s.batch,
                                  .workers = std::max(1, threads / 2),
                                  .seed = s.seed,
                                  .skip_bad = skip};
    ImageBatchOptions augmented = plain;
    augmented.augment = true;
    augmented.zoom = s.zoom;
    ImageBatches batches(training, normaliser, augmented);
    ImageBatches training_subset(training, normaliser, plain,
                                 std::max<Index>(1, validation.size() / 2));
    ImageBatches validation_batches(validation, normaliser, plain);

    ModelType model;
    if (!s.resume) initialise_weights(s, model, batches);
    run.log("start", {{"program", "pretrain"},
                      {"training_images", training.size()},
                      {"validation_images", validation.size()},
                      {"classes", Classes},
                      {"parameters", parameter_count<Net>(Choice::input)},
                      {"device", s.device},
                      {"threads", threads},
                      {"skipped", skipped}});
    const Clock::time_point began = Clock::now();
    const SoftmaxCrossEntropy loss;
    LearningSettings learning = s.learning();
    learning.fixed["data"] = text(fingerprint(training_set, s.data + "/train"));
    if (!learn<ModelType, SoftmaxCrossEntropy, ImageBatches>(
            learning, run, model, loss, batches, {&validation_batches, &training_subset})) {
        return 130;
    }
    auto workspace = model.workspace(s.batch);
    const Evaluation last = evaluate_on(model, workspace, loss, validation_batches);
    if (interrupted()) {
        std::fprintf(stderr,
                     "stopped behind the last step; to go on: the same command with --resume\n");
        return 130;
    }
    const std::string weights = run.file("weights.safetensors");
    save_weights(model, weights, spec.metadata(), {}, spec.tensors());
    run.log("finish", {{"seconds", seconds_since(began)},
                       {"val_top1", last.top1},
                       {"val_top5", last.top5},
                       {"skipped", batches.skipped()}});
    std::printf("top-1 %.2f %%, top-5 %.2f %% on %ld validation images; weights in %s\n",
                100 * last.top1, 100 * last.top5, last.samples, weights.c_str());
    return 0;
}

/// The first to write into the run folder: what cannot be trained was refused before.
void claim(Settings& s, const RunFolder& run) {
    s.resume = resuming(run, s.resume);
    if (s.resume) return;
    json config = s.fixed();
    config["data"] = s.data;
    config["seed"] = s.seed;
    run.write_config(config);
}

int run_program(Settings s) {
    const ImageSet training = read_image_folder(s.data + "/train");
    const ImageSet validation = read_validation(s, training);
    const int classes = static_cast<int>(training.classes.size());
    return with_network("--network", s.network, [&](auto choice) {
        return with_source_classes(classes, [&](auto count) {
            return with_device(s.device, [&]<class Backend>(std::type_identity<Backend>) {
                RunFolder run(s.out);
                claim(s, run);
                return train<Backend, decltype(choice), count>(s, run, training, validation);
            });
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
        settings.dropout_after = dropout_onset(settings.schedule, app.count("--dropout-after") > 0,
                                               settings.dropout_after);
        if (settings.threads > 0) cpu::set_max_threads(settings.threads);
        return run_program(settings);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "pretrain: %s\n", error.what());
        return 1;
    }
}
