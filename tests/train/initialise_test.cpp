// SPDX-License-Identifier: MIT
// First weights: their statistics, layer by layer, and activations after normalising.
#include "tessera/train/initialise.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/lrn.hpp"
#include "train/toy.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

using Net = Seq<Named<"conv1", Conv<32, 5>>, ReLU, Lrn<>, MaxPool<2>,
                Named<"conv2", Conv<48, 3, Groups<2>>>, ReLU, Named<"conv3", Conv<32, 3>>, ReLU,
                Named<"fc6", Linear<64>>, ReLU, Dropout<>, Named<"fc8", Linear<10>>>;
constexpr Shape image{3, 20, 20};
using NetModel = Model<Net, image, Cpu>;

struct Statistics {
    double mean = 0, deviation = 0, greatest = 0;
};

template <class Numbers>
Statistics statistics(const Numbers& numbers) {
    Statistics result;
    double square = 0;
    for (const double x : numbers) {
        result.mean += x;
        square += x * x;
        result.greatest = std::max(result.greatest, std::abs(x));
    }
    const auto count = static_cast<double>(std::size(numbers));
    result.mean /= count;
    result.deviation = std::sqrt(square / count - result.mean * result.mean);
    return result;
}

/// Calls check(name, info, statistics) for every array.
template <class ModelType, class Check>
void for_each_array(const ModelType& model, Check check) {
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const std::string name = model.parameter_name(i);
        CAPTURE(name);
        check(name, model.parameters().entry(i).info, statistics(model.parameters()[i]));
    }
}

/// Deviations of a sample stray by one in sqrt(2 n).
double allowed(const ParameterInfo& info) {
    return 5 / std::sqrt(2 * static_cast<double>(info.count()));
}

std::vector<float> noise(int batch, Shape shape) {
    Random random({.seed = 8, .purpose = Purpose::sample});
    std::vector<float> numbers(static_cast<std::size_t>(batch * shape.size()));
    for (float& number : numbers) number = random.uniform(-100, 150);
    return numbers;
}

/// The statistics of one channel of what a layer gives.
template <class ModelType>
std::vector<Statistics> channels_after(const ModelType& model, View<const float> input, int layer) {
    auto workspace = model.workspace(input.batch);
    const auto out = model.forward_until(workspace, input, layer + 1);
    const int channels = out.shape.channels;
    std::vector<Statistics> result;
    for (int c = 0; c < channels; ++c) {
        std::vector<float> values;
        for (Index i = c; i < out.size(); i += channels) values.push_back(out[i]);
        result.push_back(statistics(values));
    }
    return result;
}

}  // namespace

TEST_CASE("He's weights have variance 2 / fan-in, groups counted, and biases are zero") {
    NetModel model;
    initialise(model, He{}, 1);
    for_each_array(model, [](const std::string&, const ParameterInfo& info, const Statistics& s) {
        if (info.is_bias()) {
            CHECK(s.greatest == 0);
            return;
        }
        const double deviation = std::sqrt(2.0 / static_cast<double>(info.fan_in()));
        CHECK(s.deviation == doctest::Approx(deviation).epsilon(allowed(info)));
        CHECK(std::abs(s.mean) < 5 * deviation / std::sqrt(static_cast<double>(info.count())));
        CHECK(s.greatest > 2.5 * deviation);  // a Gaussian, not a box
    });
}

TEST_CASE("Xavier's weights are uniform with variance 2 / (fan-in + fan-out)") {
    NetModel model;
    initialise(model, Xavier{}, 1);
    for_each_array(model,
                   [](const std::string& name, const ParameterInfo& info, const Statistics& s) {
                       if (info.is_bias()) {
                           CHECK(s.greatest == 0);
                           return;
                       }
                       double fans = 0;
                       if (name == "conv1.weight") fans = 3 * 25 + 32 * 25;
                       if (name == "conv2.weight") fans = 16 * 9 + 24 * 9;  // of one group
                       if (name == "conv3.weight") fans = 48 * 9 + 32 * 9;
                       if (name == "fc6.weight") fans = 32 * 4 * 4 + 64 * 4 * 4;
                       if (name == "fc8.weight") fans = 64 + 10;
                       REQUIRE(fans > 0);
                       const double deviation = std::sqrt(2 / fans);
                       CHECK(s.deviation == doctest::Approx(deviation).epsilon(allowed(info)));
                       CHECK(s.greatest <= std::sqrt(3.0) * deviation * 1.0001);
                       CHECK(s.greatest > 1.6 * deviation);
                   });
}

TEST_CASE("Krizhevsky's weights have deviation 0.01, and the layers named have biases of one") {
    NetModel model;
    initialise(model, Krizhevsky{}, 1);
    for_each_array(model,
                   [](const std::string& name, const ParameterInfo& info, const Statistics& s) {
                       if (info.is_bias()) {
                           const bool positive = name == "conv2.bias" || name == "fc6.bias";
                           CHECK(s.mean == (positive ? 1 : 0));
                           CHECK(s.deviation == 0);
                           return;
                       }
                       CHECK(s.deviation == doctest::Approx(0.01).epsilon(allowed(info)));
                   });
    initialise(model, Krizhevsky{.deviation = 0.1, .positive_bias = 0.5, .biased = {"fc8"}}, 1);
    for_each_array(model,
                   [](const std::string& name, const ParameterInfo& info, const Statistics& s) {
                       if (info.is_bias())
                           CHECK(s.mean == (name == "fc8.bias" ? 0.5 : 0));
                       else
                           CHECK(s.deviation == doctest::Approx(0.1).epsilon(allowed(info)));
                   });
}

TEST_CASE("a seed gives the same weights on every backend, and no two arrays share a stream") {
    NetModel model, again, other;
    Model<Net, image, Reference, double> wide;
    initialise(model, He{}, 1);
    initialise(again, He{}, 1);
    initialise(other, He{}, 2);
    initialise(wide, He{}, 1);
    CHECK(parameters_of(model) == parameters_of(again));
    CHECK(parameters_of(model) != parameters_of(other));
    const auto wide_numbers = parameters_of(wide);
    const std::vector<float> narrowed(wide_numbers.begin(), wide_numbers.end());
    CHECK(narrowed == parameters_of(model));
    const double first = model.parameters()[0][0] * std::sqrt(3 * 25);
    CHECK(model.parameters()[2][0] * std::sqrt(16 * 9) != doctest::Approx(first));
}

TEST_CASE("frozen layers keep what they have") {
    using Half = FreezeUntil<Net, "conv2">;
    Model<Half, image, Cpu> model;
    initialise(model, He{}, 1);
    for_each_array(model,
                   [](const std::string& name, const ParameterInfo& info, const Statistics& s) {
                       const bool frozen = name.starts_with("conv1") || name.starts_with("conv2");
                       if (!info.is_bias()) CHECK((s.greatest == 0) == frozen);
                   });
}

TEST_CASE("after normalising every channel has mean 0 and deviation 1, the last 0.1") {
    NetModel model;
    initialise(model, Krizhevsky{}, 1);
    const auto images = noise(16, image);
    const View<const float> input{images.data(), 16, image};
    normalise_activations(model, input);
    for (int layer = 0; layer < NetModel::depth; ++layer) {
        if (model.layers[static_cast<std::size_t>(layer)].parameters.count == 0) continue;
        CAPTURE(layer);
        const double wanted = layer == NetModel::depth - 1 ? 0.1 : 1;
        for (const Statistics& s : channels_after(model, input, layer)) {
            CHECK(std::abs(s.mean) < 1e-3 * wanted);
            CHECK(s.deviation == doctest::Approx(wanted).epsilon(1e-3));
        }
    }
}

TEST_CASE("normalising leaves frozen layers alone and ends well on samples without variation") {
    using Half = FreezeUntil<Net, "conv2">;
    NetModel source;
    initialise(source, He{}, 1);
    Model<Half, image, Cpu> model(source);
    const auto before = model.clone();
    const auto images = noise(8, image);
    normalise_activations(model, {images.data(), 8, image}, 0.5);
    for (int i = 0; i < model.parameter_arrays; ++i) {
        CHECK(std::ranges::equal(model.parameters()[i], before.parameters()[i]) ==
              model.parameters().entry(i).frozen);
    }
    for (const Statistics& s : channels_after(model, {images.data(), 8, image}, 11)) {
        CHECK(s.deviation == doctest::Approx(0.5).epsilon(1e-3));
    }

    const std::vector<float> grey(static_cast<std::size_t>(8 * image.size()), 10.0f);
    NetModel flat;
    initialise(flat, He{}, 1);
    const auto weights = statistics(flat.parameters()[0]);
    normalise_activations(flat, {grey.data(), 8, image});
    CHECK(statistics(flat.parameters()[0]).deviation == doctest::Approx(weights.deviation));
    for (const float weight : parameters_of(flat)) CHECK(std::abs(weight) < 1e4);
    for (const Statistics& s : channels_after(flat, {grey.data(), 8, image}, 0)) {
        CHECK(std::abs(s.mean) < 1e-3);
    }
}

TEST_CASE("a network with dropout that sat at chance learns at once when normalised") {
    const ToyData data = toy_data(64);
    const auto loss_after = [&](bool normalised) {
        ToyModel model;
        initialise(model, Krizhevsky{.deviation = 0.001}, 3);
        if (normalised) normalise_activations(model, data.view(0, 64));
        ToyTrainer trainer(model, {}, {.rate = 0.02}, {.batch = 16});
        double loss = 0;
        for (int step = 0; step < 40; ++step) {
            loss = trainer.step(data.view(step % 4 * 16, 16), data.targets(step % 4 * 16, 16));
        }
        return loss;
    };
    CHECK(loss_after(false) == doctest::Approx(std::log(4.0)).epsilon(0.02));
    CHECK(loss_after(true) < 0.7);
}
