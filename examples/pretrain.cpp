// SPDX-License-Identifier: MIT
// Pre-trains a network on an ImageNet-style folder, or on packed files of it: the source task of
// the paper.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "program/device.hpp"
#include "program/device_batches.hpp"
#include "program/images.hpp"
#include "program/input_spec.hpp"
#include "program/interrupt.hpp"
#include "program/learning.hpp"
#include "program/listed_images.hpp"
#include "program/networks.hpp"
#include "program/run_folder.hpp"
#include "program/threads.hpp"
#include "tessera/train/initialise.hpp"

using namespace tessera;
using namespace program;

namespace {

struct Settings {
    std::string data, out, network = "small", schedule = "steps", init = "he", bad = "stop";
    Platform platform;
    GroundTruth truth;
    int epochs = 25, batch = 64, threads = 0;
    double rate = 0.01, momentum = 0.9, decay = 0.0005, warm_up = 0, dropout_after = 0.1;
    double zoom = 1;
    std::uint64_t seed = 1;
    long checkpoint_steps = 500;
    long memory = 1024;
    bool resume = false, normalise = true, record = false;

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
                {"zoom", text(zoom)},
                {"precision", platform.precision}};
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
                .record = record,
                .task = "pre-training",
                .unit = "images",
                .fixed = fixed()};
    }
};

void add_options(CLI::App& app, Settings& s) {
    app.add_option(
           "--data", s.data,
           "folder with train/<class>/* and val/<class>/*, or with train.packed and val.packed, "
           "which pack writes and which go first")
        ->required();
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
    add_platform_options(app, s.platform);
    app.add_flag(
        "--record", s.record,
        "with --device cuda: record a step and replay it, to the same bits; worth it where "
        "a step is short");
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
    auto* truth = app.add_option("--val-truth", s.truth.truth,
                                 "ILSVRC's flat val/: list with one integer a picture");
    auto* ids = app.add_option("--val-ids", s.truth.ids, "and the list of `integer class` lines");
    ids->needs(truth);
    truth->needs(ids);
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

/// What there is when training begins.
struct Begun {
    const Settings& settings;
    RunFolder& run;
    const SourceImages& source;
    PreparedImages training, validation;
    Index parameters = 0;
    InputSpec spec{};
    Index skipped = 0;  ///< images that cannot be read
};

template <class Source, class ModelType>
int train_on(Begun& begun, ModelType& model) {
    const Settings& s = begun.settings;
    RunFolder& run = begun.run;
    const int threads = Cpu::threads();
    const Normaliser normaliser = begun.spec.normaliser();
    const ImageBatchOptions plain{.crop = ModelType::input,
                                  .batch = s.batch,
                                  .workers = std::max(1, threads / 2),
                                  .seed = s.seed,
                                  .skip_bad = s.bad == "skip"};
    ImageBatchOptions augmented = plain;
    augmented.augment = true;
    augmented.zoom = s.zoom;
    Source batches(begun.training, normaliser, augmented);
    Source training_subset(begun.training, normaliser, plain,
                           std::max<Index>(1, begun.validation.size() / 2));
    Source validation_batches(begun.validation, normaliser, plain);

    if (!s.resume) {
        ImageBatches first(begun.training, normaliser, augmented);
        initialise_weights(s, model, first);
    }
    run.log("start", {{"program", "pretrain"},
                      {"training_images", begun.training.size()},
                      {"validation_images", begun.validation.size()},
                      {"packed", begun.training.packed() != nullptr},
                      {"classes", begun.spec.classes.size()},
                      {"parameters", begun.parameters},
                      {"device", s.platform.device},
                      {"threads", threads},
                      {"skipped", begun.skipped}});
    const Clock::time_point began = Clock::now();
    const SoftmaxCrossEntropy loss;
    LearningSettings learning = s.learning();
    learning.fixed["data"] = text(begun.source.training.list_fingerprint());
    if (!learn<ModelType, SoftmaxCrossEntropy, Source>(learning, run, model, loss, batches,
                                                       {&validation_batches, &training_subset})) {
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
    save_weights(model, weights, begun.spec.metadata(), {}, begun.spec.tensors());
    run.log("finish", {{"seconds", seconds_since(began)},
                       {"val_top1", last.top1},
                       {"val_top5", last.top5},
                       {"skipped", batches.skipped()}});
    std::printf("top-1 %.2f %%, top-5 %.2f %% on %ld validation images; weights in %s\n",
                100 * last.top1, 100 * last.top5, last.samples, weights.c_str());
    return 0;
}

template <class Backend, class Scalar, class Choice, int Classes>
int train(const Settings& s, RunFolder& run, const SourceImages& source) {
    const bool skip = s.bad == "skip";
    const Index memory = Index{s.memory} << 20;
    Begun begun{s, run, source, source.training.prepared(Choice::image, memory),
                source.validation.prepared(Choice::image, memory / 4)};
    // A continuation that keeps no pictures in memory has no need to decode all of them again.
    const std::string input_file = run.file("input.safetensors");
    InputSpec& spec = begun.spec;
    spec = {Choice::name, Choice::image, Choice::scale, {}, source.training.classes()};
    if (s.resume && !begun.training.kept() && path_exists(input_file)) {
        spec = InputSpec::read(SafetensorsFile(input_file));
    } else {
        spec.mean = begun.training.prepare(skip, begun.skipped);
        begun.validation.prepare(skip, begun.skipped);
        if (interrupted()) {
            std::fprintf(stderr, "stopped before training; to go on: the same command\n");
            return 130;
        }
        require(!spec.mean.empty(), source.training.path(), ": found no image that can be read");
        write_safetensors(input_file, spec.tensors(), spec.metadata());
    }
    if (begun.skipped > 0) {
        std::fprintf(stderr, "%td unreadable pictures are left out\n", begun.skipped);
    }
    using Net = typename Choice::template Net<Classes>;
    begun.parameters = parameter_count<Net>(Choice::input);
    Model<Net, Choice::input, Backend, Scalar> model;
    if constexpr (!Backend::Memory::on_host) {
        if (begun.training.packed()) return train_on<DeviceBatches<Scalar>>(begun, model);
    }
    return train_on<ImageBatches>(begun, model);
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
    const std::string& device = s.platform.device;
    require(!s.record || device == "cuda", "--record: found --device ", device,
            ", expected cuda: on the processor there is nothing to record");
    const SourceImages source = list_source(s.data, s.truth);
    require(device == "cpu" || !source.training.packed() || s.zoom == 1, "--zoom: found ", s.zoom,
            " with packed images and --device ", device,
            ", where they are cropped and not resized; expected 1, a folder that is not packed, or "
            "--device cpu");
    const int classes = static_cast<int>(source.training.classes().size());
    return with_network("--network", s.network, [&](auto choice) {
        source.training.check(choice.image);
        source.validation.check(choice.image);
        return with_source_classes(classes, [&](auto count) {
            return with_platform(s.platform, [&]<class Backend, class Scalar>() {
                RunFolder run(s.out);
                claim(s, run);
                return train<Backend, Scalar, decltype(choice), count>(s, run, source);
            });
        });
    });
}

}  // namespace

int main(int argc, char** argv) {
    wait_without_spinning(argv);
    CLI::App app{
        "Pre-trains a network on an ImageNet-style folder of pictures, or on packed files."};
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
