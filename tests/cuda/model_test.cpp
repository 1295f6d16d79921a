// SPDX-License-Identifier: MIT
// Models on Cuda: the network types of the CPU, with other memory behind them.
#include <doctest/doctest.h>

#include <vector>

#include "files.hpp"
#include "layer/agreement.hpp"
#include "tessera/cuda.hpp"
#include "tessera/io/weights.hpp"
#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/softmax.hpp"
#include "tessera/train/checkpoint.hpp"
#include "tessera/train/fit.hpp"
#include "train/narrow.hpp"

using namespace tessera;
using namespace tessera::test;
using namespace tessera::testing;

namespace {

using CudaModel = ToyModelOn<Cuda>;

constexpr TrainerOptions small_batches{.batch = 8, .seed = 5};

}  // namespace

TEST_CASE("whole networks on Cuda do what they do on Reference") {
    using Net =
        Seq<Conv<16, 5, Stride<2>, Pad<0, 2>>, ReLU, Lrn<Alpha<1>>, MaxPool<3, Stride<2>, Ceil>,
            Conv<12, 3, Pad<1>, Groups<2>>, ReLU, AvgPool<2, Stride<1>>, Dropout<20>, Linear<32>,
            ReLU, Dropout<>, Frozen<Linear<16>>, ReLU, Linear<10>, Softmax>;
    for (const int batch : {1, 4, 33}) {
        CAPTURE(batch);
        CHECK(disagreement<Net, Shape{3, 21, 18}, Cuda>(batch) < 1e-5);
    }
    using Dense = Seq<Conv<8, 3, Pad<1>>, ReLU, Lrn<>, Conv<5, 1>, GlobalMaxPool>;
    CHECK(disagreement_over_shapes<Dense, 2, Cuda>(3, 19, 3) < 1e-5);
}

TEST_CASE("parameters move between the memories without a change of bits") {
    const auto model = toy_model();
    const CudaModel moved(model);
    CHECK(parameters_of(moved) == parameters_of(model));
    const ToyModel back(moved);
    CHECK(parameters_of(back) == parameters_of(model));
    CHECK(parameters_of(toy_model<Cuda>()) == parameters_of(model));

    const TemporaryFolder folder;
    save_weights(moved, folder / "weights.safetensors");
    ToyModel loaded;
    load_weights(loaded, folder / "weights.safetensors");
    CHECK(parameters_of(loaded) == parameters_of(model));
    CudaModel again;
    load_weights(again, folder / "weights.safetensors");
    CHECK(parameters_of(again) == parameters_of(model));
}

TEST_CASE("surgery on Cuda shares kept layers, on its way from another memory it copies them") {
    using Longer = Append<ToyTrunk, Named<"other", Linear<3>>>;
    auto model = toy_model<Cuda>();
    const Model<Longer, toy_image, Cuda> cut(model);
    CHECK(cut.parameters().data(0) == model.parameters().data(0));
    CHECK(model.clone().parameters().data(0) != model.parameters().data(0));
    CHECK(parameters_of(model.clone()) == parameters_of(model));

    const auto host = toy_model();
    const Model<Longer, toy_image, Cuda> moved(host);
    const auto expected = host.parameters()[0];
    auto found = moved.parameters().on_host(0);
    CHECK(std::equal(expected.begin(), expected.end(), found.span().begin()));
}

TEST_CASE("training on Cuda takes the steps that training on Cpu takes") {
    const ToyData data = toy_data(32);
    auto model = toy_model();
    auto device_model = toy_model<Cuda>();
    const auto check = [&](auto optimizer) {
        Trainer trainer(model, SoftmaxCrossEntropy{{1, 2, 1, 0.5F}}, optimizer, small_batches);
        Trainer on_device(device_model, SoftmaxCrossEntropy{{1, 2, 1, 0.5F}}, optimizer,
                          small_batches);
        const auto losses = train(trainer, data, 0, 6), found = train(on_device, data, 0, 6);
        for (std::size_t i = 0; i < losses.size(); ++i) {
            CHECK(found[i] == doctest::Approx(losses[i]).epsilon(1e-4));
        }
        const auto wide = everything_of(trainer);
        CHECK(apart(everything_of(on_device), std::vector<double>(wide.begin(), wide.end())) <
              1e-4);
    };
    check(Sgd{.rate = 0.02});
    check(AdamW{.rate = 0.001});
}

TEST_CASE("a network of Bf16 trains as one of float does, its parameters are kept in float") {
    check_narrow_training<Cuda>();
}

TEST_CASE("products of float on tensor cores differ by their rounding") {
    using Net = Seq<Conv<16, 3, Pad<1>>, ReLU, MaxPool<2>, Conv<24, 3, Groups<2>>, ReLU,
                    Named<"fc", Linear<10>>>;
    const double error = disagreement<Net, Shape{8, 12, 12}, CudaTf32>(4);
    CHECK(error < 3e-3);
    CHECK(error > 1e-5);
}

TEST_CASE("a batch that lies on the device is not copied") {
    const ToyData data = toy_data(8);
    Buffer<float, Cuda::Memory> images(static_cast<Index>(data.images.size()));
    copy_numbers<Cuda::Memory, HostMemory>(images.data(), data.images.data(), images.size());
    const View<const float, Cuda::Memory> view{images.data(), 8, toy_image};
    auto model = toy_model<Cuda>();
    auto workspace = model.workspace(8);
    const auto there = values(model.forward(workspace, view));
    CHECK(std::as_const(workspace).activation(0).data == images.data());
    CHECK(values(model.forward(workspace, data.view(0, 8))) == there);
    CHECK(has(message_of([&] {
                  model.forward(workspace, View<const float>{data.images.data(), 9, toy_image});
              }),
              "the input is 9 samples of 2x8x8, expected 1 to 8 of 2x8x8"));

    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{}, small_batches);
    CHECK(trainer.step(view, data.targets(0, 8)) == doctest::Approx(std::log(4.0)).epsilon(0.3));
}

TEST_CASE("a checkpoint of one backend goes on in the other, and on its own to the same bits") {
    const ToyData data = toy_data(32);
    const TemporaryFolder folder;
    auto model = toy_model<Cuda>();
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{}, small_batches);
    train(trainer, data, 0, 3);
    save_checkpoint(folder / "checkpoint", trainer, {.step = 3});
    train(trainer, data, 3, 5);

    CudaModel second;
    Trainer resumed(second, SoftmaxCrossEntropy{}, Sgd{}, small_batches);
    CHECK(load_checkpoint(folder / "checkpoint", resumed).step == 3);
    train(resumed, data, 3, 5);
    CHECK(everything_of(resumed) == everything_of(trainer));

    ToyModel third;
    Trainer on_host(third, SoftmaxCrossEntropy{}, Sgd{}, small_batches);
    CHECK(load_checkpoint(folder / "checkpoint", on_host).step == 3);
    train(on_host, data, 3, 5);
    const auto wide = everything_of(trainer);
    CHECK(apart(everything_of(on_host), std::vector<double>(wide.begin(), wide.end())) < 1e-4);
}

TEST_CASE("fit and evaluate run on Cuda") {
    const ToyData data = toy_data(64), unseen = toy_data(32, 2);
    auto model = toy_model<Cuda>();
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 0.05}, small_batches);
    ToySource source(data, 8), validation(unseen, 8);
    Progress progress;
    auto workspace = trainer.model().workspace(8);
    Evaluation last;
    FitOptions options{.epochs = 4};
    options.evaluate_validation = [&] {
        validation.start(0, 0);
        return evaluate(trainer.model(), workspace, trainer.loss,
                        [&](auto& batch) { return validation.next(batch); });
    };
    options.on_epoch = [&](const EpochReport& report) { last = report.validation; };
    CHECK(fit(trainer, source, progress, options) == FitOutcome::finished);
    CHECK(last.samples == 32);
    CHECK(last.top1 > 0.9);
}

TEST_CASE("a loss that is not a number stops the training before a weight is touched") {
    ToyData data = toy_data(8);
    data.images[3] = NAN;
    auto model = toy_model<Cuda>();
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{}, small_batches);
    const auto before = everything_of(trainer);
    CHECK(has(message_of([&] { trainer.step(data.view(0, 8), data.targets(0, 8)); }),
              "although every weight is finite"));
    CHECK(everything_of(trainer) == before);
}

TEST_CASE("the loss is read as often as asked for") {
    const ToyData data = toy_data(32);
    auto model = toy_model<Cuda>(), other = toy_model<Cuda>();
    TrainerOptions seldom = small_batches;
    seldom.loss_every = 3;
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{}, small_batches);
    Trainer quiet(other, SoftmaxCrossEntropy{}, Sgd{}, seldom);
    const auto losses = train(trainer, data, 0, 7), found = train(quiet, data, 0, 7);
    for (std::size_t i = 0; i < losses.size(); ++i) CHECK(found[i] == losses[i / 3 * 3]);
    CHECK(everything_of(quiet) == everything_of(trainer));
}

TEST_CASE("activations are normalised on Cuda as on Cpu") {
    const ToyData data = toy_data(32);
    auto model = toy_model();
    auto device_model = toy_model<Cuda>();
    normalise_activations(model, data.view(0, 32));
    normalise_activations(device_model, data.view(0, 32));
    const auto wide = parameters_of(model);
    CHECK(apart(parameters_of(device_model), std::vector<double>(wide.begin(), wide.end())) < 1e-5);
}

TEST_CASE("a recorded pass is replayed over what lies in its input then") {
    const ToyData data = toy_data(16);
    auto model = toy_model<Cuda>();
    auto workspace = model.workspace(8);
    Buffer<float, Cuda::Memory> images(8 * toy_image.size());
    const View<const float, Cuda::Memory> input{images.data(), 8, toy_image};
    const auto put = [&](int first) {
        copy_numbers<Cuda::Memory, HostMemory>(images.data(), data.view(first, 8).data,
                                               images.size());
    };
    cuda::Graph graph;
    CHECK(has(message_of([&] { graph.replay(); }), "nothing was recorded"));
    put(0);
    const auto first = values(model.forward(workspace, input));
    put(8);
    const auto second = values(model.forward(workspace, input));
    REQUIRE(first != second);

    workspace.fill(std::byte{0xFF});
    View<const float, Cuda::Memory> output;
    graph.record([&] { output = model.forward(workspace, input); });
    graph.replay();
    CHECK(values(output) == second);
    put(0);
    graph.replay();
    CHECK(values(output) == first);

    CHECK(message_of([&] { graph.record([&] { values(output); }); }) != "");
    graph.replay();
    CHECK(values(output) == first);
}
