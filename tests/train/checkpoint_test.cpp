// SPDX-License-Identifier: MIT
// Checkpoints: what comes back, what is refused, and that a refusal changes nothing.
#include "tessera/train/checkpoint.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <memory>

#include "files.hpp"
#include "train/toy.hpp"

using namespace tessera;
using namespace tessera::test;
using namespace tessera::testing;

namespace {

const std::map<std::string, std::string> settings{{"batch", "4"}, {"data", "toy"}};

Progress some_progress() {
    return {.step = 5,
            .epoch = 2,
            .position = 1,
            .epoch_loss = 1.0 / 3,
            .train_loss = {1.25, 0.1, 1e-300},
            .validation_loss = {}};
}

/// A model and its trainer after five steps.
template <class Optimizer, class Net = ToyNet>
struct Trained {
    using ModelType = Model<Net, toy_image, Cpu>;
    ModelType model;
    Trainer<ModelType, SoftmaxCrossEntropy, Optimizer> trainer;

    explicit Trained(std::uint64_t seed = 1, int steps = 5)
        : trainer((initialise(model, He{}, 3), model), {}, {.rate = 0.01},
                  {.batch = 4, .seed = seed}) {
        const ToyData data = toy_data(4);
        for (int step = 0; step < steps; ++step) {
            trainer.step(data.view(0, 4), data.targets(0, 4));
        }
    }
};

/// Loading must fail and leave the trainer as it was; the message.
template <class T>
std::string refusal(T& trained, const std::string& path,
                    const std::map<std::string, std::string>& expected = settings) {
    const auto before = everything_of(trained.trainer);
    const long steps = trained.trainer.steps();
    const std::string message =
        message_of([&] { load_checkpoint(path, trained.trainer, expected); });
    CHECK(everything_of(trained.trainer) == before);
    CHECK(trained.trainer.steps() == steps);
    CHECK(has(message, path));
    return message;
}

/// The checkpoint with its header's text changed, lengths kept right.
std::string with_header(const TemporaryFolder& folder, const std::string& path,
                        const std::string& from, const std::string& to) {
    std::string words = words_of(path);
    std::uint64_t length = 0;
    std::memcpy(&length, words.data(), 8);
    std::string header = words.substr(8, length);
    const std::size_t at = header.find(from);
    REQUIRE(at != std::string::npos);
    header.replace(at, from.size(), to);
    const std::string data = words.substr(8 + length);
    length = header.size();
    std::string changed(8, '\0');
    std::memcpy(changed.data(), &length, 8);
    return folder.add("changed", changed + header + data);
}

}  // namespace

TEST_CASE("weights, optimiser state and progress come back bit by bit") {
    const TemporaryFolder folder;
    const auto check = [&](auto trained, auto fresh) {
        save_checkpoint(folder / "checkpoint", trained->trainer, some_progress(), settings);
        const Progress progress = load_checkpoint(folder / "checkpoint", fresh->trainer, settings);
        CHECK(progress == some_progress());
        CHECK(everything_of(fresh->trainer) == everything_of(trained->trainer));
        CHECK(parameters_of(fresh->model) == parameters_of(trained->model));
        CHECK(fresh->trainer.steps() == 5);
    };
    check(std::make_unique<Trained<Sgd>>(), std::make_unique<Trained<Sgd>>(1, 0));
    check(std::make_unique<Trained<AdamW>>(), std::make_unique<Trained<AdamW>>(1, 2));
    using Softened = Append<ToyNet, Softmax>;
    check(std::make_unique<Trained<Sgd, Softened>>(),
          std::make_unique<Trained<Sgd, Softened>>(1, 0));
    using Partly = FreezeUntil<ToyNet, "conv1">;
    check(std::make_unique<Trained<Sgd, Partly>>(), std::make_unique<Trained<Sgd, Partly>>(1, 0));
}

TEST_CASE("losses of any kind survive the text of the header") {
    const TemporaryFolder folder;
    Trained<Sgd> trained;
    Progress progress = some_progress();
    progress.epoch_loss = -1e308;
    progress.train_loss = {std::numeric_limits<double>::infinity(), 5e-324, 0.1};
    save_checkpoint(folder / "checkpoint", trained.trainer, progress);
    CHECK(load_checkpoint(folder / "checkpoint", trained.trainer) == progress);
}

TEST_CASE("a checkpoint's weights can be read like any weight file") {
    const TemporaryFolder folder;
    Trained<AdamW> trained;
    save_checkpoint(folder / "checkpoint", trained.trainer, some_progress(), settings);
    ToyModel model;
    CHECK(load_weights(model, folder / "checkpoint").complete());
    CHECK(parameters_of(model) == parameters_of(trained.model));
}

TEST_CASE("a checkpoint of something else is refused by name") {
    const TemporaryFolder folder;
    Trained<Sgd> trained;
    const std::string path = folder / "checkpoint";
    save_checkpoint(path, trained.trainer, some_progress(), settings);

    Trained<AdamW> other_optimizer;
    CHECK(has(refusal(other_optimizer, path),
              "checkpoint has optimizer = sgd krizhevsky, expected adamw"));
    Trained<Sgd> other_form;
    other_form.trainer.optimizer.form = Momentum::nesterov;
    CHECK(has(refusal(other_form, path),
              "checkpoint has optimizer = sgd krizhevsky, expected sgd nesterov"));
    Trained<Sgd> other_seed(2);
    CHECK(has(refusal(other_seed, path), "checkpoint has seed = 1, expected 2"));
    Trained<Sgd, Replace<ToyNet, "fc3", Named<"fc3", Linear<5>>>> other_net;
    CHECK(has(refusal(other_net, path), "checkpoint has architecture = conv:8x8x8"));
    Trained<Sgd, Replace<ToyNet, "fc3", Named<"fc4", Linear<4>>>> other_name;
    const std::string names = refusal(other_name, path);
    CHECK(has(names, "missing: 2 (fc4.weight, fc4.bias)"));
    CHECK(has(names, "unused: 2"));
    Trained<Sgd, FreezeUntil<ToyNet, "conv1">> other_frozen;
    CHECK(has(refusal(other_frozen, path), "optimiser state 'state.velocity' has"));

    CHECK(has(refusal(trained, path, {{"batch", "8"}}),
              "checkpoint has setting.batch = 4, expected 8"));
    CHECK(has(refusal(trained, path, {{"crop", "1"}}), "no field 'setting.crop'"));

    save_weights(trained.model, folder / "weights");
    CHECK(has(refusal(trained, folder / "weights"), "no field 'optimizer' in the header"));
    CHECK(has(refusal(trained, folder / "nothing"), "nothing"));
}

TEST_CASE("a checkpoint cut short at any length is refused") {
    const TemporaryFolder folder;
    Trained<Sgd> trained;
    save_checkpoint(folder / "checkpoint", trained.trainer, some_progress(), settings);
    const std::string words = words_of(folder / "checkpoint");
    const std::size_t size = words.size();
    for (std::size_t kept : {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{100},
                             std::size_t{1000}, size / 2, size - 4, size - 1}) {
        CAPTURE(kept);
        const std::string cut = folder.add("cut", std::string_view(words).substr(0, kept));
        refusal(trained, cut);
    }
    refusal(trained, folder.add("longer", words + "x"));
}

TEST_CASE("a checkpoint whose header was tampered with is refused before anything changes") {
    const TemporaryFolder folder;
    Trained<Sgd> trained;
    const std::string path = folder / "checkpoint";
    save_checkpoint(path, trained.trainer, some_progress(), settings);
    const auto changed = [&](const std::string& from, const std::string& to) {
        return refusal(trained, with_header(folder, path, from, to));
    };
    CHECK(has(changed(R"("step":"5")", R"("step":"five")"), "field 'step' is 'five'"));
    CHECK(has(changed(R"("step":"5")", R"("step":"-5")"), "no negative number"));
    CHECK(has(changed(R"("step":"5")", R"("step":"5 ")"), "expected a number"));
    CHECK(has(changed(R"("position":"1")", R"("position":"-1")"), "no negative number"));
    CHECK(has(changed(R"("epoch":"2")", R"("epoch":"99999999999")"), "field 'epoch'"));
    CHECK(has(changed(R"("epoch_loss":")", R"("epoch_loss":"x)"), "field 'epoch_loss'"));
    CHECK(has(changed(R"("train_loss":")", R"("train_loss":"1 2 three )"), "field 'train_loss'"));
    CHECK(has(changed(R"("step":)", R"("steps":)"), "no field 'step'"));
    CHECK(has(changed("state.velocity", "state.speed"), "state.velocity"));
    CHECK(has(changed(R"("fc3.bias":{"dtype":"F32")", R"("fc3.bias":{"dtype":"I32")"), "I32"));
    CHECK(has(changed(R"("state.velocity":{"dtype":"F32")", R"("state.velocity":{"dtype":"I32")"),
              "is of type I32, expected F32"));
}

TEST_CASE("every form of momentum resumes its own checkpoints only") {
    const TemporaryFolder folder;
    const std::string path = folder / "checkpoint";
    Trained<Sgd> saved, resumed;
    const auto forms = {Momentum::krizhevsky, Momentum::classic, Momentum::nesterov};
    for (const Momentum form : forms) {
        saved.trainer.optimizer.form = form;
        save_checkpoint(path, saved.trainer, some_progress());
        for (const Momentum other : forms) {
            resumed.trainer.optimizer.form = other;
            const std::string message = message_of([&] { load_checkpoint(path, resumed.trainer); });
            CHECK((message == "no error") == (form == other));
        }
    }
}

TEST_CASE("a disk that fills up leaves the old checkpoint, no temporary and the training alone") {
    const TemporaryFolder folder;
    Trained<Sgd> trained;
    const std::string path = folder / "checkpoint";
    save_checkpoint(path, trained.trainer, some_progress(), settings);
    const std::string old = words_of(path);
    const ToyData data = toy_data(4);
    trained.trainer.step(data.view(0, 4), data.targets(0, 4));
    const auto before = everything_of(trained.trainer);
    for (const std::size_t room :
         {std::size_t{0}, std::size_t{5}, std::size_t{500}, old.size() / 2, old.size() - 1}) {
        CAPTURE(room);
        const std::string message = message_within(RLIMIT_FSIZE, room, [&] {
            save_checkpoint(path, trained.trainer, some_progress(), settings);
        });
        CHECK(message == "cannot write " + path + ": File too large");
        CHECK(words_of(path) == old);
        CHECK(folder.entries() == 1);
    }
    CHECK(everything_of(trained.trainer) == before);
    Trained<Sgd> resumed(1, 0);
    CHECK(load_checkpoint(path, resumed.trainer, settings) == some_progress());
    save_checkpoint(path, trained.trainer, some_progress(), settings);
    CHECK(words_of(path) != old);
}

TEST_CASE("a checkpoint that cannot be written leaves the old one and the training alone") {
    const TemporaryFolder folder;
    Trained<Sgd> trained;
    const std::string path = folder / "checkpoint";
    save_checkpoint(path, trained.trainer, some_progress(), settings);
    const std::string old = words_of(path);
    const auto before = everything_of(trained.trainer);
    const auto saving = [&](const std::string& target,
                            const std::map<std::string, std::string>& given) {
        return message_of(
            [&] { save_checkpoint(target, trained.trainer, some_progress(), given); });
    };
    CHECK(has(saving("/dev/full", settings), "cannot write /dev/full"));
    CHECK(has(saving(folder / "no/checkpoint", settings), "cannot write"));
    const ReadOnlyFolder locked;
    CHECK(has(saving(locked / "checkpoint", settings), "cannot write"));
    CHECK(has(saving(path, {{"text", "\xff is not UTF-8"}}), path));
    CHECK(words_of(path) == old);
    CHECK(everything_of(trained.trainer) == before);
    CHECK(folder.entries() == 1);
    CHECK(load_checkpoint(path, trained.trainer, settings) == some_progress());
}
