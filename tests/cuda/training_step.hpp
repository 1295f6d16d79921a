// SPDX-License-Identifier: MIT
// What the tests of ops that do several layers share: one training step of a network on a backend.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "layer/agreement.hpp"
#include "tessera/cuda.hpp"

namespace tessera::test {

/// Everything a training step gives.
struct Step {
    std::vector<double> output, gradients, input_gradient;
    friend bool operator==(const Step&, const Step&) = default;
};

template <class Numbers>
std::vector<double> wide(const Numbers& numbers) {
    return {numbers.begin(), numbers.end()};
}

/// The largest difference, relative to the largest number; infinite for a NaN.
inline double difference(const std::vector<double>& a, const std::vector<double>& b) {
    const std::vector<float> narrow(a.begin(), a.end());
    return a.empty() && b.empty() ? 0 : apart(narrow, b);
}
inline double difference(const Step& a, const Step& b) {
    return std::max({difference(a.output, b.output), difference(a.gradients, b.gradients),
                     difference(a.input_gradient, b.input_gradient)});
}

/// A model with random parameters, the same each time.
template <class Net, Shape Input, class Table, class Scalar>
auto random_model() {
    Model<Net, Input, Table, Scalar> model;
    Random random({.seed = 2, .purpose = Purpose::initialise});
    for (int i = 0; i < model.parameters().count(); ++i) {
        auto array = model.parameters().on_host(i);
        const auto fan_in = static_cast<float>(model.parameters().entry(i).info.fan_in());
        for (auto& number : array.span()) number = random.uniform(-1, 1) / std::sqrt(fan_in);
        array.store();
    }
    return model;
}

template <class Net, Shape Input, class Table, class Scalar>
Step training_step(int batch, bool input_gradient) {
    using ModelType = Model<Net, Input, Table, Scalar>;
    using Number = typename ModelType::Number;
    const auto model = random_model<Net, Input, Table, Scalar>();
    Random random({.seed = 3, .purpose = Purpose::sample});
    const auto fill = [&](auto numbers) {
        for (auto& number : numbers) {
            number = std::remove_reference_t<decltype(number)>(random.uniform(-1, 1));
        }
    };
    std::vector<Number> input(static_cast<std::size_t>(batch * Input.size()));
    fill(std::span(input));
    auto workspace = model.workspace(batch, Mode::training, Input, input_gradient);
    workspace.fill(std::byte{0xFF});

    Step step;
    step.output = wide(values(model.forward(workspace, {input.data(), batch, Input},
                                            {.seed = 5, .purpose = Purpose::dropout})));
    const auto slope = workspace.gradient(ModelType::depth);
    HostArray<Scalar, typename Table::Memory> dy(slope.data, slope.size());
    fill(dy.span());
    dy.store();
    auto gradients = model.gradients();
    model.backward(workspace, gradients);
    HostArray<Number, typename Table::Memory> found(gradients.data(), gradients.size());
    step.gradients = wide(found.span());
    if (input_gradient) step.input_gradient = wide(values(workspace.gradient(0)));
    return step;
}

}  // namespace tessera::test
