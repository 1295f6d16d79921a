// SPDX-License-Identifier: MIT
// Optimisers, and a whole training of a small network, step by step against PyTorch.
#include "foreign/fixture.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/reference/reference.hpp"
#include "tessera/io/weights.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/train/trainer.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

constexpr Sgd plain{.rate = 0.1, .momentum = 0, .decay = 0, .form = Momentum::classic};
constexpr Sgd decayed{.rate = 0.1, .momentum = 0, .decay = 0.05, .form = Momentum::classic};
constexpr Sgd classic{.rate = 0.05, .momentum = 0.9, .decay = 0.01, .form = Momentum::classic};
constexpr Sgd nesterov{.rate = 0.05, .momentum = 0.9, .decay = 0.01, .form = Momentum::nesterov};
constexpr Sgd krizhevsky{.rate = 0.05, .momentum = 0.9, .decay = 0.01};
constexpr AdamW adamw{.rate = 0.02, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-6, .decay = 0.1};

template <class Backend, class T, class Optimizer>
void follow(const std::string& name, const Optimizer& optimizer) {
    CAPTURE(name);
    CAPTURE(sizeof(T));
    const SafetensorsFile file(fixture_path("optimisers"));
    auto weights = values<T>(file, name + ".weights");
    auto gradients = values<T>(file, name + ".gradients");
    const auto trajectory = values(file, name + ".trajectory");
    const std::size_t size = weights.size(), steps = gradients.size() / size;
    REQUIRE(steps == 8);
    std::array<std::vector<T>, Optimizer::state_names.size()> states;
    UpdatePiece<T, Optimizer::state_names.size()> piece{.count = static_cast<Index>(size),
                                                        .weights = weights.data()};
    for (std::size_t s = 0; s < states.size(); ++s) {
        states[s].resize(size);
        piece.state[s] = states[s].data();
    }
    for (std::size_t step = 0; step < steps; ++step) {
        piece.gradient = gradients.data() + step * size;
        optimizer.template advance<Backend>(std::span(&std::as_const(piece), 1),
                                            static_cast<long>(step) + 1);
        CHECK(distance(weights, std::span(trajectory).subspan(step * size, size)) < tolerance<T>);
    }
}

template <class Optimizer>
void follow_on_both(const std::string& name, const Optimizer& optimizer) {
    follow<Reference, double>(name, optimizer);
    follow<Cpu, float>(name, optimizer);
}

using SmallNet = Seq<Named<"conv1", Conv<8, 3, Pad<1>>>, ReLU, Lrn<Alpha<1, 2>, K<1>>,
                     MaxPool<3, Stride<2>>, Named<"conv2", Conv<6, 3, Groups<2>>>, ReLU,
                     Named<"fc3", Linear<10>>, ReLU, Named<"fc4", Linear<4>>>;
constexpr Shape image{3, 11, 11};

template <class Backend, class T, class Optimizer>
void train(const std::string& name, const Optimizer& optimizer) {
    CAPTURE(name);
    CAPTURE(sizeof(T));
    const SafetensorsFile file(fixture_path("training"));
    Model<SmallNet, image, Backend, T> model;
    NameMap before;
    for (int i = 0; i < model.parameter_arrays; ++i) {
        before[model.parameter_name(i)] = "before." + model.parameter_name(i);
    }
    REQUIRE(load_weights(model, file, {.partial = true, .names = before}).missing.empty());

    Trainer trainer(model, SoftmaxCrossEntropy{}, optimizer, {.batch = 4});
    const auto images = channels_last(values<T>(file, "images"), image);
    const auto stored = values(file, "labels");
    const std::vector<std::int32_t> labels(stored.begin(), stored.end());
    const auto losses = values(file, name + ".losses");
    for (std::size_t step = 0; step < losses.size(); ++step) {
        const View<const T> batch{images.data() + step * 4 * image.size(), 4, image};
        const double loss = trainer.step(batch, std::span(labels).subspan(4 * step, 4));
        CHECK(loss == doctest::Approx(losses[step]).epsilon(tolerance<T>));
    }
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const std::string parameter = model.parameter_name(i);
        CAPTURE(parameter);
        const auto found = to_file_order(model.parameters().entry(i).info,
                                         std::span<const T>(model.parameters()[i]));
        const auto expected = values(file, name + "." + parameter);
        CHECK(distance(found, expected) < tolerance<T>);
        CHECK(distance(expected, values(file, "before." + parameter)) > 1e-3);
    }
}

}  // namespace

TEST_CASE("gradient descent follows PyTorch's, with and without momentum, decay, Nesterov") {
    follow_on_both("sgd", plain);
    follow_on_both("sgd_decay", decayed);
    follow_on_both("momentum", classic);
    follow_on_both("nesterov", nesterov);
}

TEST_CASE("at one rate Krizhevsky's form moves the weights as PyTorch's does") {
    follow_on_both("momentum", krizhevsky);
}

TEST_CASE("AdamW follows PyTorch's") { follow_on_both("adamw", adamw); }

TEST_CASE("a small network trains to PyTorch's weights by each optimiser") {
    train<Reference, double>("momentum", classic);
    train<Reference, double>("nesterov", nesterov);
    train<Reference, double>("adamw", adamw);
    train<Cpu, float>("momentum", classic);
    train<Cpu, float>("nesterov", nesterov);
    train<Cpu, float>("adamw", adamw);
}
