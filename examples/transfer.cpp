// SPDX-License-Identifier: MIT
// Trains the target task of the paper on a VOC set: two new layers on frozen FC7 features of
// patches, and what the paper compares them with.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <limits>

#include "program/decoded_images.hpp"
#include "program/device.hpp"
#include "program/features.hpp"
#include "program/input_spec.hpp"
#include "program/interrupt.hpp"
#include "program/learning.hpp"
#include "program/networks.hpp"
#include "program/parallel.hpp"
#include "program/patch_batches.hpp"
#include "program/patch_pictures.hpp"
#include "program/run_folder.hpp"
#include "program/target.hpp"
#include "program/threads.hpp"
#include "program/unreadable_images.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/train/initialise.hpp"

using namespace tessera;
using namespace program;

namespace {

struct Settings {
    std::string devkit, weights, out, features, set = "trainval", val_set;
    Platform platform;
    std::string mode = "frozen", difficult = "keep", schedule = "steps", bad = "stop",
                outside = "refuse";
    std::vector<double> lambdas{paper_lambdas.begin(), paper_lambdas.end()};
    double stride = 0.5, background = 0.1;
    double rate = 0.01, momentum = 0.9, decay = 0.0005, warm_up = 0, dropout_after = 0.1;
    int epochs = 0, batch = 0, threads = 0;
    long steps = 0, checkpoint_steps = 2000, memory = 4096;
    std::uint64_t seed = 1;
    bool resume = false;

    /// Fills in what depends on the mode.
    void complete() {
        if (features.empty()) features = out + "/features";
        if (epochs == 0) epochs = mode == "whole" || mode == "frozen" ? 30 : 10;
        if (batch == 0) batch = learns_from_pixels() ? 64 : 128;
    }
    /// Every layer learns, so features of none can be kept.
    bool learns_from_pixels() const { return mode == "scratch" || mode == "finetune"; }
    /// What must not change between a run and its continuation.
    std::map<std::string, std::string> fixed() const {
        std::string scales;
        for (const double lambda : lambdas) scales += (scales.empty() ? "" : " ") + text(lambda);
        return {{"mode", mode},
                {"set", set},
                {"difficult", difficult},
                {"lambdas", scales},
                {"stride", text(stride)},
                {"background", text(background)},
                {"schedule", schedule},
                {"epochs", text(epochs)},
                {"steps", text(steps)},
                {"batch", text(batch)},
                {"rate", text(rate)},
                {"momentum", text(momentum)},
                {"decay", text(decay)},
                {"warm_up", text(warm_up)},
                {"dropout_after", text(dropout_after)},
                {"precision", platform.precision}};
    }
    PatchRules rules() const {
        const Difficult treated = difficult == "keep"     ? Difficult::keep
                                  : difficult == "ignore" ? Difficult::ignore
                                                          : Difficult::background;
        return {.tiling = {lambdas, stride},
                .rule = {.difficult = treated},
                .background = {.fraction = background, .seed = seed}};
    }
    LearningSettings learning(long batches) const {
        const long wanted = steps > 0 ? std::max(1L, (steps + batches / 2) / batches) : epochs;
        return {.epochs = static_cast<int>(wanted),
                .batch = batch,
                .rate = rate,
                .momentum = momentum,
                .decay = decay,
                .warm_up = warm_up,
                .dropout_after = dropout_after,
                .schedule = schedule,
                .seed = seed,
                .checkpoint_steps = checkpoint_steps,
                .resume = resume,
                .task = "training",
                .unit = mode == "whole" ? "images" : "patches",
                .fixed = fixed()};
    }
};

void add_options(CLI::App& app, Settings& s) {
    app.add_option("--devkit", s.devkit, "VOCdevkit/VOC2007, or VOCdevkit where it has one year")
        ->required();
    app.add_option("--weights", s.weights,
                   "what pretrain wrote (scratch: for its mean and classes)")
        ->required();
    app.add_option("--out", s.out, "run folder: config.json, log.jsonl, checkpoint, weights")
        ->required();
    app.add_option(
           "--mode", s.mode,
           "frozen: new layers on FC7 (the paper); fc6: FC6 learns too; finetune: everything "
           "learns from the source's weights; scratch: everything "
           "from random weights; whole: new layers on FC7 of whole images")
        ->capture_default_str()
        ->check(CLI::IsMember({"frozen", "fc6", "finetune", "scratch", "whole"}));
    app.add_option("--set", s.set, "trained on: trainval or train")->capture_default_str();
    app.add_option("--val-set", s.val_set,
                   "watched after each epoch, beside as many samples trained on; for instance val");
    app.add_option("--features", s.features,
                   "folder of cached features; OUT/features if not given");
    app.add_option("--lambdas", s.lambdas, "scales: side = shorter side / lambda")
        ->delimiter(',')
        ->capture_default_str()
        ->check(CLI::Range(1.0, 100.0));
    app.add_option("--stride", s.stride, "of the tiling, in sides of a patch")
        ->capture_default_str()
        ->check(CLI::Range(0.01, 1.0));
    app.add_option("--background", s.background, "fraction of background patches trained on")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--difficult", s.difficult, "objects marked so: keep, ignore or background")
        ->capture_default_str()
        ->check(CLI::IsMember({"keep", "ignore", "background"}));
    app.add_option("--epochs", s.epochs, "0: 30 frozen and whole, else 10")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--steps", s.steps, "in place of epochs, rounded to whole ones")
        ->check(CLI::PositiveNumber);
    app.add_option("--batch", s.batch, "0: 64 for finetune and scratch, else 128")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--rate", s.rate, "learning rate at the beginning")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--momentum", s.momentum)->capture_default_str()->check(CLI::Range(0.0, 1.0));
    app.add_option("--decay", s.decay, "weight decay; biases have none")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--schedule", s.schedule,
                   "steps (a tenth at 64 % and 88 %), cosine, plateau (the paper's rule), constant")
        ->capture_default_str()
        ->check(CLI::IsMember({"steps", "cosine", "plateau", "constant"}));
    app.add_option("--warm-up", s.warm_up, "fraction of the training over which the rate rises")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--dropout-after", s.dropout_after,
                   "fc6, finetune, scratch: fraction of the training before dropout sets in")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 1.0));
    app.add_option("--seed", s.seed)->capture_default_str();
    add_platform_options(app, s.platform);
    app.add_option("--threads", s.threads, "0: all the machine has")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--memory", s.memory,
                   "MB of decoded images kept; finetune and scratch with --device cuda only, which "
                   "cut their patches out of them and keep none in a file")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--outside", s.outside, "boxes that reach out of their image: refuse or clip")
        ->capture_default_str()
        ->check(CLI::IsMember({"refuse", "clip"}));
    app.add_option("--bad", s.bad, "unreadable images: stop, or skip and count")
        ->capture_default_str()
        ->check(CLI::IsMember({"stop", "skip"}));
    app.add_option("--checkpoint-steps", s.checkpoint_steps, "steps between checkpoints")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_flag("--resume", s.resume, "go on from the checkpoint in --out, to the same bits");
}

/// What is read before anything is computed.
struct Task {
    VocFolder folder;
    VocSet training, validation;  ///< the second without images when none is watched
    SafetensorsFile weights;
    InputSpec source;
    Normaliser normaliser;
    int workers;

    bool watched() const { return !validation.images.empty(); }
};

/// Boxes with their targets, some for each box.
template <class Target>
struct Examples {
    std::vector<ImageBoxes> images;
    std::vector<Target> targets;
    int per_box = 1;
};

Examples<std::int32_t> patch_examples(const Settings& s, RunFolder& run, const Task& task,
                                      const VocSet& set) {
    const std::vector<LabelledPatch> patches = label_patches(set, s.rules());
    const PatchCounts counts = count_patches(patches, static_cast<int>(set.classes.size()));
    std::fprintf(stderr,
                 "%s: %td patches of %td images: %td of objects, %td background, %td deleted; "
                 "%td are used\n",
                 set.name.c_str(), std::ssize(patches), std::ssize(set.images), counts.objects,
                 counts.background, counts.deleted, counts.kept);
    run.log("patches", {{"set", set.name},
                        {"images", set.images.size()},
                        {"patches", patches.size()},
                        {"objects", counts.objects},
                        {"background", counts.background},
                        {"deleted", counts.deleted},
                        {"used", counts.kept}});
    if (&set == &task.training) write_patch_pictures(run, task.folder, set, patches, s.seed);
    TrainingPatches kept = kept_patches(task.folder, set, patches);
    return {std::move(kept.images), std::move(kept.labels), 1};
}

Examples<std::int8_t> whole_examples(const Task& task, const VocSet& set) {
    const int classes = static_cast<int>(set.classes.size());
    Examples<std::int8_t> examples{whole_images(task.folder, set), {}, classes};
    for (const VocAnnotation& image : set.images) {
        const auto labels = voc_labels(image, classes);
        examples.targets.insert(examples.targets.end(), labels.begin(), labels.end());
    }
    return examples;
}

/// Examples with their rows in a store.
template <class Target>
struct Prepared {
    Examples<Target> examples;
    std::unique_ptr<FeatureStore> rows;
    int views = 1;  ///< rows for each box

    Index samples() const { return rows->rows() / views; }
};

constexpr Index no_limit = std::numeric_limits<Index>::max();

/// A small set is one batch.
int batch_size(const Settings& s, Index samples) {
    return static_cast<int>(std::min<Index>(s.batch, samples));
}

/// Features as samples, the first `most` of them; training picks one of the views at random.
template <class Target>
SampleBatches<Target> feature_batches(const Settings& s, const Prepared<Target>& data, Shape shape,
                                      bool training, Index most = no_limit) {
    const int per_box = data.examples.per_box;
    const Index samples = std::min(most, data.samples());
    return {
        {.shape = shape,
         .samples = samples,
         .targets = per_box,
         .batch = batch_size(s, samples),
         .seed = s.seed,
         .training = training},
        [&data, per_box, seed = s.seed](const LoaderSample& sample, float* input, Target* targets) {
            const auto index = static_cast<std::uint32_t>(sample.index);
            Random random({seed, Purpose::augment, sample.epoch, index});
            const Index view = data.views == 2 && random.chance(0.5F) ? 1 : 0;
            const auto row = data.rows->row(sample.index * data.views + view);
            std::copy(row.begin(), row.end(), input);
            std::copy_n(data.examples.targets.begin() + sample.index * per_box, per_box, targets);
        }};
}

/// Patches of a set as pixels in a file; without rows when interrupted.
Prepared<std::int32_t> stored_patches(const Settings& s, RunFolder& run, const Task& task,
                                      const VocSet& set, int extent) {
    Prepared<std::int32_t> data{patch_examples(s, run, task, set), {}, 1};
    data.rows = PatchPixels::store(
        run, data.examples.images, extent, task.workers, fingerprint(task.folder, set),
        s.features + "/" + set.name + ".pixels", "patches of " + set.name, interrupted);
    return data;
}

/// Their pixels as samples for a network of Scalar: a random crop, or the centre.
template <class Scalar>
SampleBatches<std::int32_t> pixel_batches(const Settings& s, const Task& task,
                                          const Prepared<std::int32_t>& data, Shape crop,
                                          int extent, bool training, Index most = no_limit) {
    const Index samples = std::min(most, data.samples());
    return {{.shape = crop,
             .samples = samples,
             .batch = batch_size(s, samples),
             .seed = s.seed,
             .training = training},
            [&task, &data, crop, extent, training, seed = s.seed](
                const LoaderSample& sample, float* input, std::int32_t* target) {
                const Extent full{extent, extent}, size{crop.width, crop.height};
                const AugmentKey key{seed, sample.epoch, static_cast<std::uint32_t>(sample.index)};
                const Window window =
                    training ? random_window(full, size, key) : centre_window(full, size);
                PatchPixels(*data.rows, extent)
                    .write(sample.index, window, size, task.normaliser, input);
                *target = data.examples.targets[static_cast<std::size_t>(sample.index)];
            }};
}

/// Patches of a set for a device to cut out of its images.
struct DecodedPatches {
    DecodedImages images;
    std::vector<std::int32_t> labels;

    Index samples() const { return std::ssize(labels); }
};

/// For a backend with memory of its own. Not all images are there when interrupted.
[[maybe_unused]] DecodedPatches decoded_patches(const Settings& s, RunFolder& run, const Task& task,
                                                const VocSet& set) {
    // As pretrain: a quarter of the memory for what is watched.
    const Index memory = Index{s.memory} << 20;
    auto examples = patch_examples(s, run, task, set);
    DecodedPatches patches{
        {std::move(examples.images), &set == &task.training ? memory : memory / 4},
        std::move(examples.targets)};
    const std::string name = "images of " + set.name;
    Stage stage(run, name, "images");
    patches.images.prepare(name);
    if (!interrupted()) stage.finish(static_cast<double>(patches.images.list().size()));
    return patches;
}

#if defined(__CUDACC__) || defined(TESSERA_CUDA_ON_CPU)
/// The same samples as of stored patches.
template <class Scalar>
PatchBatches<Scalar> pixel_batches(const Settings& s, const Task& task, const DecodedPatches& data,
                                   Shape crop, int extent, bool training, Index most = no_limit) {
    const Index samples = std::min(most, data.samples());
    return {data.images, data.labels, task.normaliser,
            PatchBatchOptions{.extent = extent,
                              .crop = crop,
                              .samples = samples,
                              .batch = batch_size(s, samples),
                              .workers = std::max(1, Cpu::threads()),
                              .seed = s.seed,
                              .training = training}};
}
#endif

int stopped_early(RunFolder& run) {
    run.log("interrupted", {{"step", 0}});
    std::fprintf(stderr,
                 "stopped before training; finished features are kept\n"
                 "to go on: the same command with --resume\n");
    return 130;
}

/// Trains, then writes the weights of `full`, whose last layers `trained` are.
template <class Full, class Trained, class Loss, class Source>
int learn_and_save(const Settings& s, RunFolder& run, const Task& task, const Full& full,
                   Trained& trained, const Loss& loss, Source& training,
                   const std::type_identity_t<WatchedSets<Source>>& watched) {
    LearningSettings learning = s.learning(training.batches());
    learning.fixed["weights"] = text(fingerprint_of(task.weights));
    learning.fixed["data"] = text(fingerprint(task.folder, task.training));
    if (!learn<Trained, Loss, Source>(learning, run, trained, loss, training, watched)) return 130;
    TargetSpec spec{task.source, s.mode, s.rules().tiling};
    spec.input.classes = task.training.classes;
    const std::string path = run.file("weights.safetensors");
    save_weights(full, path, spec.metadata(), {}, spec.input.tensors());
    run.log("finish", {{"weights", path}});
    std::printf("weights in %s\n", path.c_str());
    return 0;
}

/// First weights of FCa and FCb, scaled on what FC7 says about one batch.
template <class Tail, class Head, class Source>
void initialise_head(const Settings& s, const Tail& tail, Head& head, Source& source) {
    initialise(head, He{}, s.seed);
    typename Source::BatchType batch;
    source.start(0, 0);
    if (!source.next(batch)) return;
    auto workspace = tail.workspace(s.batch);
    normalise_activations(
        head, to_floats(tail.forward_until(workspace, batch.input, Tail::depth - Head::depth)));
}

/// Trains the layers of Full from `First` on, on the outputs of those up to `Last`, which are
/// frozen. `make_examples(set)` gives boxes and targets.
template <class Backend, class Scalar, class Choice, class Full, Place Last, Place First,
          class Loss, class MakeExamples>
int train_tail(const Settings& s, RunFolder& run, const Task& task, const Loss& loss,
               MakeExamples make_examples) {
    using Data = Prepared<typename Loss::Target>;
    Model<TrunkNet<Choice>, Choice::input, Backend, Scalar> trunk;
    load_trunk(trunk, task.weights);
    const Model<Full, Choice::input, Backend, Scalar> full(trunk);
    const Model<CutAfter<Full, Last>, Choice::input, Backend, Scalar> lower(full);
    Model<CutBefore<Full, First>, lower.output, Backend, Scalar> tail(full);
    Model<CutBefore<Full, "fca">, trunk.output, Backend, Scalar> head(full);

    const std::string what = std::string(Last.name) + (s.mode == "whole" ? "-whole" : "");
    auto prepare = [&](const VocSet& set, int views) {
        Data data{make_examples(set), {}, views};
        const PatchView view{Choice::image, Choice::input, task.normaliser, views == 2,
                             task.workers};
        data.rows =
            features_of(run, lower, data.examples.images, view, fingerprint(task.folder, set),
                        s.features + "/" + set.name + "-" + what + ".features",
                        "features of " + set.name, interrupted);
        return data;
    };
    const Data data = prepare(task.training, 2);
    if (!data.rows) return stopped_early(run);
    auto batches = feature_batches(s, data, lower.output, true);
    if (!s.resume) initialise_head(s, tail, head, batches);
    if (!task.watched()) return learn_and_save(s, run, task, full, tail, loss, batches, {});
    const Data watched = prepare(task.validation, 1);
    if (!watched.rows) return stopped_early(run);
    auto watched_batches = feature_batches(s, watched, lower.output, false);
    auto subset = feature_batches(s, data, lower.output, false, watched.samples());
    return learn_and_save(s, run, task, full, tail, loss, batches, {&watched_batches, &subset});
}

/// Everything learns, on pixels of the same patches: from random weights, or from the source's with
/// new layers behind.
template <class Backend, class Scalar, class Choice, class Full>
int train_from_pixels(const Settings& s, RunFolder& run, const Task& task) {
    auto prepare = [&](const VocSet& set) {
        if constexpr (Backend::Memory::on_host) {
            return stored_patches(s, run, task, set, Choice::image);
        } else {
            return decoded_patches(s, run, task, set);
        }
    };
    const auto data = prepare(task.training);
    if (interrupted()) return stopped_early(run);
    auto batches = pixel_batches<Scalar>(s, task, data, Choice::input, Choice::image, true);
    Model<TrunkNet<Choice>, Choice::input, Backend, Scalar> trunk;
    Model<Full, Choice::input, Backend, Scalar> model(trunk);
    if (s.mode == "finetune") load_trunk(trunk, task.weights);
    if (!s.resume && s.mode == "finetune") {
        Model<CutBefore<Full, "fca">, trunk.output, Backend, Scalar> head(model);
        initialise_head(s, model, head, batches);
    } else if (!s.resume) {
        initialise(model, He{}, s.seed);
        typename decltype(batches)::BatchType batch;
        batches.start(0, 0);
        if (batches.next(batch)) normalise_activations(model, to_floats(batch.input));
    }
    const SoftmaxCrossEntropy loss;
    if (!task.watched()) {
        return learn_and_save(s, run, task, model, model, loss, batches, {});
    }
    const auto watched = prepare(task.validation);
    if (interrupted()) return stopped_early(run);
    auto watched_batches =
        pixel_batches<Scalar>(s, task, watched, Choice::input, Choice::image, false);
    auto subset = pixel_batches<Scalar>(s, task, data, Choice::input, Choice::image, false,
                                        watched.samples());
    return learn_and_save(s, run, task, model, model, loss, batches, {&watched_batches, &subset});
}

template <class Backend, class Scalar, class Choice, int Classes>
int transfer(const Settings& s, RunFolder& run, const Task& task) {
    using Source = SourceNet<Choice>;
    auto patches = [&](const VocSet& set) { return patch_examples(s, run, task, set); };
    if (s.mode == "frozen") {
        return train_tail<Backend, Scalar, Choice, PatchNet<Choice, Classes>, "relu7", "fca">(
            s, run, task, SoftmaxCrossEntropy{}, patches);
    }
    if (s.mode == "fc6") {
        using Full = models::Fc6UnfrozenNet<Source, Classes + 1, Choice::hidden>;
        return train_tail<Backend, Scalar, Choice, Full, "pool5", "fc6">(
            s, run, task, SoftmaxCrossEntropy{}, patches);
    }
    if (s.mode == "whole") {
        return train_tail<Backend, Scalar, Choice, WholeNet<Choice, Classes>, "relu7", "fca">(
            s, run, task, MultiLabelLogistic{},
            [&](const VocSet& set) { return whole_examples(task, set); });
    }
    using Full = models::ScratchNet<Source, Classes + 1, Choice::hidden>;
    return train_from_pixels<Backend, Scalar, Choice, Full>(s, run, task);
}

Task read_task(const Settings& s) {
    VocFolder folder = open_voc(s.devkit);
    const OutsideBox outside = s.outside == "clip" ? OutsideBox::clip : OutsideBox::refuse;
    VocSet training = read_voc_set(folder, s.set, outside);
    VocSet validation;
    if (!s.val_set.empty()) validation = read_voc_set(folder, s.val_set, outside);
    SafetensorsFile weights(s.weights);
    InputSpec source = InputSpec::read(weights);
    const Normaliser normaliser = source.normaliser();
    return {
        std::move(folder), std::move(training), std::move(validation),          std::move(weights),
        std::move(source), normaliser,          std::max(1, Cpu::threads() / 2)};
}

/// The first to write into the run folder: what cannot be trained was refused before. False when
/// interrupted.
bool claim(Settings& s, RunFolder& run, Task& task) {
    s.resume = resuming(run, s.resume);
    make_folders(s.features);
    if (!s.resume) {
        json config = s.fixed();
        config["program"] = "transfer";
        config["devkit"] = task.folder.root;
        config["weights"] = s.weights;
        config["seed"] = s.seed;
        run.write_config(config);
    }
    Index skipped = 0;
    if (s.bad == "skip") {
        skipped = drop_unreadable(task.folder, task.training) +
                  drop_unreadable(task.folder, task.validation);
    }
    if (interrupted()) return false;
    run.log("start", {{"program", "transfer"},
                      {"mode", s.mode},
                      {"training_images", task.training.images.size()},
                      {"validation_images", task.validation.images.size()},
                      {"classes", task.training.classes},
                      {"device", s.platform.device},
                      {"threads", Cpu::threads()},
                      {"skipped", skipped}});
    return true;
}

int run_program(Settings s) {
    Task task = read_task(s);
    const std::string where = task.weights.path() + ": field 'network'";
    const int classes = static_cast<int>(task.training.classes.size());
    return with_network(where, task.source.network, [&](auto choice) {
        return with_target_classes(classes, [&](auto count) {
            return with_platform(s.platform, [&]<class Backend, class Scalar>() {
                RunFolder run(s.out);
                if (!claim(s, run, task)) return stopped_early(run);
                return transfer<Backend, Scalar, decltype(choice), count>(s, run, task);
            });
        });
    });
}

}  // namespace

int main(int argc, char** argv) {
    wait_without_spinning(argv);
    CLI::App app{"Trains the target task of the paper on patches of a PASCAL VOC set."};
    Settings settings;
    add_options(app, settings);
    CLI11_PARSE(app, argc, argv);
    settings.complete();
    watch_interrupts();
    try {
        settings.dropout_after = dropout_onset(settings.schedule, app.count("--dropout-after") > 0,
                                               settings.dropout_after);
        if (settings.threads > 0) cpu::set_max_threads(settings.threads);
        return run_program(settings);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "transfer: %s\n", error.what());
        return 1;
    }
}
