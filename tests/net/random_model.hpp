// SPDX-License-Identifier: MIT
// What the tests of networks share: numbers to put in, and one pass forward and back.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "tessera/core/random.hpp"
#include "tessera/net/model.hpp"

namespace tessera::test {

inline std::vector<float> random_numbers(Index count, std::uint64_t seed = 1) {
    Random random({.seed = seed, .purpose = Purpose::sample});
    std::vector<float> numbers(static_cast<std::size_t>(count));
    for (float& number : numbers) number = random.uniform(-1, 1);
    return numbers;
}

template <class Model>
void randomise(Model& model, std::uint64_t seed = 1) {
    for (int i = 0; i < model.parameters().count(); ++i) {
        Random random({seed, Purpose::initialise, 0, static_cast<std::uint32_t>(i)});
        const auto fan_in = static_cast<float>(model.parameters().entry(i).info.fan_in());
        for (float& value : model.parameters()[i])
            value = random.uniform(-1, 1) / std::sqrt(fan_in);
    }
}

template <class Model>
Model random_model(std::uint64_t seed = 1) {
    Model model;
    randomise(model, seed);
    return model;
}

template <class T>
std::vector<float> numbers(View<T> view) {
    return {view.data, view.data + view.size()};
}

/// Everything a training step gives.
struct Step {
    std::vector<float> output;
    std::vector<float> gradients;

    friend bool operator==(const Step&, const Step&) = default;
};

template <class Model>
Step training_step(const Model& model, typename Model::Workspace& workspace, int batch,
                   std::uint64_t seed = 1) {
    const Shape shape = workspace.input_shape();
    const auto input = random_numbers(batch * shape.size(), seed);
    Step step;
    step.output = numbers(
        model.forward(workspace, {input.data(), batch, shape}, {.purpose = Purpose::dropout}));
    const auto slope = workspace.gradient(Model::depth);
    std::ranges::copy(random_numbers(slope.size(), seed + 1), slope.data);
    auto gradients = model.gradients();
    model.backward(workspace, gradients);
    step.gradients.assign(gradients.begin(), gradients.end());
    return step;
}

}  // namespace tessera::test
