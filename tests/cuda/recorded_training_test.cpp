// SPDX-License-Identifier: MIT
// A training whose steps are recorded takes the steps of one that is not, bit by bit.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "files.hpp"
#include "tessera/cuda.hpp"
#include "tessera/train/checkpoint.hpp"
#include "tessera/train/fit.hpp"
#include "tessera/train/schedule.hpp"
#include "train/toy.hpp"

using namespace tessera;
using namespace tessera::test;
using namespace tessera::testing;

namespace {

/// Counts allocations of the device's memory and what waits for its work.
struct CountedMemory : cuda::DeviceMemory {
    inline static long allocations = 0, waits = 0;
    static void* allocate(std::size_t bytes) {
        ++allocations;
        return DeviceMemory::allocate(bytes);
    }
    static void download(void* to, const void* from, std::size_t bytes) {
        ++waits;
        DeviceMemory::download(to, from, bytes);
    }
    static void synchronize() {
        ++waits;
        DeviceMemory::synchronize();
    }
};

/// Counts the passes that are simply done.
struct CountedGraph {
    inline static long plain = 0;
    cuda::Graph graph;

    template <class Body>
    void run(const Body& body) {
        graph.run([&] {
            plain += cuda::detail::listener == nullptr;
            body();
        });
    }
};

struct Counted : Cuda {
    using Memory = CountedMemory;
    using Graph = CountedGraph;
};

template <class Element>
using ModelOf = Model<ToyNet, toy_image, Counted, Element>;

/// Toy data with labels that are left out, so that the mean is over fewer rows in some batches.
ToyData data_with_gaps(int samples) {
    ToyData data = toy_data(samples);
    for (std::size_t n = 0; n < data.labels.size(); n += 11) data.labels[n] = -1;
    return data;
}

constexpr TrainerOptions plain_options{.batch = 8, .seed = 5, .dropout_after = 6};

/// The step of a number: a rate that changes, two or three batches for some updates, and every
/// ninth batch shorter.
template <class TrainerType, class Batch>
double step(TrainerType& trainer, int number, double rate, const Batch& batch) {
    trainer.optimizer.rate = rate * (1 - number / 40.0);
    const int size = number % 9 == 8 ? 5 : 8;
    const auto gather = [&](int at, int count) {
        const auto [input, targets] = batch(at * 8 % 96, count);
        return trainer.accumulate(input, targets);
    };
    double loss = gather(number, size);
    for (int more = 0; more < number % 5 - 2; ++more) loss = gather(number + 3 + more, 8);
    trainer.update();
    return loss;
}

template <class Element, class Optimizer>
void check_steps(const Optimizer& optimizer, bool on_device) {
    CAPTURE(sizeof(Element));
    CAPTURE(on_device);
    const ToyData data = data_with_gaps(96);
    Buffer<Element, CountedMemory> images(static_cast<Index>(data.images.size()));
    const std::vector<Element> elements(data.images.begin(), data.images.end());
    copy_numbers<CountedMemory, HostMemory>(images.data(), elements.data(), images.size());
    Buffer<Element, CountedMemory> place(8 * toy_image.size());
    using InputType = typename Trainer<ModelOf<Element>, SoftmaxCrossEntropy, Optimizer>::Input;
    const auto batch = [&](int first, int count) {
        const auto targets = data.targets(first, count);
        if (!on_device) return std::pair{InputType(data.view(first, count)), targets};
        copy_numbers<CountedMemory, CountedMemory>(
            place.data(), images.data() + first * toy_image.size(), count * toy_image.size());
        return std::pair{
            InputType(View<const Element, CountedMemory>{place.data(), count, toy_image}), targets};
    };
    ModelOf<Element> model, recorded_model;
    initialise(model, He{}, 3);
    initialise(recorded_model, He{}, 3);
    const SoftmaxCrossEntropy loss{{1, 2, 1, 0.5F}};
    TrainerOptions options = plain_options;
    options.layers = {{"fc2", {.rate = 2, .decay = 0.5}}};
    Trainer trainer(model, loss, optimizer, options);
    options.record = true;
    Trainer recorded(recorded_model, loss, optimizer, options);
    for (int number = 0; number < 30; ++number) {
        CAPTURE(number);
        const double expected = step(trainer, number, optimizer.rate, batch);
        CountedGraph::plain = 0;
        CHECK(step(recorded, number, optimizer.rate, batch) == expected);
        // Both passes of the first step; and of a batch of another size, unless kernels of our own
        // alone take it.
        if (number == 0) CHECK(CountedGraph::plain == 2);
        if (number > 0 && number % 9 != 8) CHECK(CountedGraph::plain == 0);
        if (number % 10 == 9) CHECK(everything_of(recorded) == everything_of(trainer));
    }
    CHECK(everything_of(recorded) == everything_of(trainer));
}

}  // namespace

TEST_CASE("recorded steps are those that are not recorded, bit by bit") {
    for (const bool on_device : {false, true}) {
        check_steps<float>(Sgd{.rate = 0.03}, on_device);
        check_steps<Bf16>(Sgd{.rate = 0.03, .form = Momentum::nesterov}, on_device);
        check_steps<float>(AdamW{.rate = 0.002}, on_device);
        check_steps<Bf16>(AdamW{.rate = 0.002}, on_device);
    }
}

TEST_CASE_TEMPLATE("between readings of the loss recorded steps neither allocate nor wait", Element,
                   float, Bf16) {
    const ToyData data = data_with_gaps(64);
    ModelOf<Element> model;
    initialise(model, He{}, 3);
    TrainerOptions options = plain_options;
    options.record = true;
    options.loss_every = 7;
    Trainer trainer(model, SoftmaxCrossEntropy{{1, 2, 1, 0.5F}}, Sgd{}, options);
    long allocations = 0;
    for (int number = 0; number < 30; ++number) {
        CAPTURE(number);
        if (number == 2) allocations = CountedMemory::allocations;
        const long waits = CountedMemory::waits;
        trainer.step(data.view(number % 8 * 8, 8), data.targets(number % 8 * 8, 8));
        if (number < 2) continue;
        CHECK(CountedMemory::allocations == allocations);
        CHECK(CountedMemory::waits - waits == (number % 7 == 0));
    }
}

TEST_CASE_TEMPLATE("a recorded training goes on from a checkpoint to the same bits", Element, float,
                   Bf16) {
    const ToyData data = data_with_gaps(64);
    const TemporaryFolder folder;
    TrainerOptions options = plain_options;
    const auto train = [&](auto& trainer, int first, int last) {
        for (int number = first; number < last; ++number) {
            trainer.step(data.view(number % 8 * 8, 8), data.targets(number % 8 * 8, 8));
        }
    };
    ModelOf<Element> model, same, resumed;
    initialise(model, He{}, 3);
    initialise(same, He{}, 3);
    Trainer trainer(model, SoftmaxCrossEntropy{}, AdamW{}, options);
    options.record = true;
    Trainer recorded(same, SoftmaxCrossEntropy{}, AdamW{}, options);
    train(trainer, 0, 20);
    train(recorded, 0, 10);
    save_checkpoint(folder / "checkpoint", recorded, {.step = 10});
    train(recorded, 10, 14);
    // Into the trainer that has recorded other weights, and into a new one.
    load_checkpoint(folder / "checkpoint", recorded);
    train(recorded, 10, 20);
    CHECK(everything_of(recorded) == everything_of(trainer));
    Trainer fresh(resumed, SoftmaxCrossEntropy{}, AdamW{}, options);
    load_checkpoint(folder / "checkpoint", fresh);
    train(fresh, 10, 20);
    CHECK(everything_of(fresh) == everything_of(trainer));
}

TEST_CASE("fit records the whole batches of every epoch, and does the rest as it comes") {
    const ToyData data = toy_data(44);
    const auto train = [&](bool record) {
        ModelOf<float> model;
        initialise(model, He{}, 3);
        TrainerOptions options = plain_options;
        options.record = record;
        Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 0.02}, options);
        ToySource source(data, 8);
        Progress progress;
        fit(trainer, source, progress, {.epochs = 4, .schedule = [](const Progress&, double done) {
                                            return cosine_schedule(done);
                                        }});
        auto numbers = everything_of(trainer);
        numbers.insert(numbers.end(), progress.train_loss.begin(), progress.train_loss.end());
        return numbers;
    };
    CHECK(train(true) == train(false));
}

TEST_CASE("a loss that is not a number stops a recorded training before a weight is touched") {
    ToyData data = toy_data(32);
    ModelOf<float> model;
    initialise(model, He{}, 3);
    TrainerOptions options = plain_options;
    options.record = true;
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{}, options);
    for (int at : {0, 8, 16}) trainer.step(data.view(at, 8), data.targets(at, 8));
    const auto before = everything_of(trainer);
    data.images[static_cast<std::size_t>(24 * toy_image.size())] = NAN;
    CHECK(has(message_of([&] { trainer.step(data.view(24, 8), data.targets(24, 8)); }),
              "although every weight is finite"));
    CHECK(has(message_of([&] { trainer.step(data.view(0, 8), data.targets(0, 7)); }),
              "found 7 targets for 8 samples"));
    CHECK(everything_of(trainer) == before);
    trainer.step(data.view(0, 8), data.targets(0, 8));
    CHECK(everything_of(trainer) != before);
}

TEST_CASE("on the host there is nothing to record") {
    const ToyData data = toy_data(8);
    auto model = toy_model(), other = toy_model();
    TrainerOptions options = plain_options;
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{}, options);
    options.record = true;
    Trainer recorded(other, SoftmaxCrossEntropy{}, Sgd{}, options);
    for (int number = 0; number < 4; ++number) {
        CHECK(recorded.step(data.view(0, 8), data.targets(0, 8)) ==
              trainer.step(data.view(0, 8), data.targets(0, 8)));
    }
    CHECK(everything_of(recorded) == everything_of(trainer));
}
