// SPDX-License-Identifier: MIT
// First weights: recipes that are known to start learning.
#pragma once

#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/random.hpp"
#include "tessera/net/model.hpp"

namespace tessera {

/// Gaussian of one deviation everywhere; bias 1 in C2, C4, C5, FC6, FC7 and 0 elsewhere (NIPS 2012,
/// section 5). Caffe had to take 0.1 for 1, and 0.005 for the deviation of FC6 and FC7.
struct Krizhevsky {
    double deviation = 0.01;
    double positive_bias = 1;
    std::vector<std::string_view> biased{"conv2", "conv4", "conv5", "fc6", "fc7"};
};

/// Gaussian with variance 2 / fan-in, biases 0 (He, Zhang, Ren, Sun, ICCV 2015).
struct He {};

/// Uniform with variance 2 / (fan-in + fan-out), biases 0 (Glorot and Bengio, AISTATS 2010).
struct Xavier {};

namespace detail {

template <class T>
void fill_array(const He&, const LayerInfo&, const ParameterInfo& info, std::span<T> out,
                Random& random) {
    const double deviation = std::sqrt(2.0 / static_cast<double>(info.fan_in()));
    for (T& value : out) value = static_cast<T>(info.is_bias() ? 0 : deviation * random.normal());
}

template <class T>
void fill_array(const Xavier&, const LayerInfo&, const ParameterInfo& info, std::span<T> out,
                Random& random) {
    const double fan_out =
        static_cast<double>(info.outputs) / info.groups * info.height * info.width;
    const double reach = std::sqrt(6.0 / (static_cast<double>(info.fan_in()) + fan_out));
    for (T& value : out) {
        value = static_cast<T>(info.is_bias() ? 0 : reach * (2.0 * random.uniform() - 1));
    }
}

template <class T>
void fill_array(const Krizhevsky& recipe, const LayerInfo& layer, const ParameterInfo& info,
                std::span<T> out, Random& random) {
    bool positive = false;
    for (std::string_view name : recipe.biased) positive = positive || name == layer.name;
    const double bias = positive ? recipe.positive_bias : 0;
    for (T& value : out) {
        value = static_cast<T>(info.is_bias() ? bias : recipe.deviation * random.normal());
    }
}

}  // namespace detail

/// Fills the parameters that learn. Each array draws from a stream of its own, keyed by its layer's
/// position, so the same seed gives the same numbers on every backend.
template <class Recipe, class Net, Shape Input, class Backend, class Scalar>
void initialise(Model<Net, Input, Backend, Scalar>& model, const Recipe& recipe,
                std::uint64_t seed) {
    auto& parameters = model.parameters();
    for (int i = 0; i < parameters.count(); ++i) {
        const ParameterEntry& entry = parameters.entry(i);
        if (entry.frozen) continue;
        Random random({seed, Purpose::initialise, static_cast<std::uint32_t>(entry.layer),
                       static_cast<std::uint32_t>(entry.slot)});
        auto array = parameters.on_host(i);
        detail::fill_array(recipe, model.layers[static_cast<std::size_t>(entry.layer)], entry.info,
                           array.span(), random);
        array.store();
    }
}

/// Rescales each learning layer with a weight, front to back, so that over `samples` every one of
/// its output channels has mean 0 and deviation 1 before the next layer sees it. Deep nets with
/// dropout otherwise sit at ln(classes) for hundreds of steps. (Krähenbühl et al., ICLR 2016;
/// Mishkin and Matas, ICLR 2016.) The last layer gets `last_deviation` instead; a channel that does
/// not vary is only centred. Call after initialise().
template <class Net, Shape Input, class Backend, class Scalar>
void normalise_activations(Model<Net, Input, Backend, Scalar>& model,
                           View<const Master<Scalar>> samples, double last_deviation = 0.1) {
    using Number = Master<Scalar>;
    auto workspace = model.workspace(samples.batch, Mode::inference, samples.shape);
    auto& parameters = model.parameters();
    int last = -1;
    for (int i = 0; i < parameters.count(); ++i) {
        if (!parameters.entry(i).info.is_bias()) last = parameters.entry(i).layer;
    }
    for (int i = 0; i < parameters.count(); ++i) {
        const ParameterEntry& entry = parameters.entry(i);
        if (entry.frozen || entry.info.is_bias()) continue;
        const auto out = to_host(model.forward_until(workspace, samples, entry.layer + 1));
        const int channels = entry.info.outputs;
        const Index rows = out.size() / channels;
        std::vector<double> mean(static_cast<std::size_t>(channels)), square(mean);
        for (Index r = 0; r < rows; ++r) {
            for (int c = 0; c < channels; ++c) {
                const double x = out[r * channels + c];
                mean[static_cast<std::size_t>(c)] += x;
                square[static_cast<std::size_t>(c)] += x * x;
            }
        }
        const double wanted = entry.layer == last ? last_deviation : 1;
        const Index per_group = channels / entry.info.groups;
        auto weights = parameters.on_host(i);
        const std::span<Number> weight = weights.span();
        const bool has_bias = i + 1 < parameters.count() &&
                              parameters.entry(i + 1).layer == entry.layer &&
                              parameters.entry(i + 1).info.is_bias();
        auto biases = parameters.on_host(has_bias ? i + 1 : i);
        for (int c = 0; c < channels; ++c) {
            const auto at = static_cast<std::size_t>(c);
            const double average = mean[at] / static_cast<double>(rows);
            const double variance = square[at] / static_cast<double>(rows) - average * average;
            // Below that the deviation is rounding of the sums.
            const bool varies = variance > 1e-12 * std::max(average * average, 1e-12);
            const double factor = varies ? wanted / std::sqrt(variance) : 1;
            const Index group = c / per_group;
            Number* first = weight.data() + group * entry.info.fan_in() * per_group + c % per_group;
            for (Index k = 0; k < entry.info.fan_in(); ++k) {
                first[k * per_group] = static_cast<Number>(first[k * per_group] * factor);
            }
            if (has_bias) {
                Number& bias = biases.span()[at];
                bias = static_cast<Number>((bias - average) * factor);
            }
        }
        weights.store();
        if (has_bias) biases.store();
    }
}

}  // namespace tessera
