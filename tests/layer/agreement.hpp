// SPDX-License-Identifier: MIT
// Does a network on a backend, in float, do what it does on Reference in double?
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/reference/reference.hpp"
#include "tessera/net/model.hpp"

namespace tessera::test {

/// The largest difference, relative to the largest expected magnitude; infinite for a NaN.
inline double apart(std::span<const float> found, std::span<const double> expected) {
    double most = 0, largest = std::numeric_limits<double>::min();
    for (std::size_t i = 0; i < found.size(); ++i) {
        const double difference = std::abs(found[i] - expected[i]);
        if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
        most = std::max(most, difference);
        largest = std::max(largest, std::abs(expected[i]));
    }
    return most / largest;
}

/// The numbers of a view, wherever they are.
template <class T, class Memory>
std::vector<std::remove_const_t<T>> values(View<T, Memory> view) {
    const auto host = to_host(view);
    return {host.data, host.data + host.size()};
}

/// Runs the network forward and backward on both with the same numbers and returns the largest
/// difference of outputs at inference, outputs in training, and gradients. Arenas begin as NaN.
template <class Net, Shape Input, class Backend = Cpu>
double disagreement(int batch, Shape actual = Input, std::uint64_t seed = 1) {
    using Memory = typename Backend::Memory;
    Model<Net, Input, Backend, float> model;
    Model<Net, Input, Reference, double> oracle;
    Random random({.seed = seed, .purpose = Purpose::sample});
    for (int i = 0; i < model.parameters().count(); ++i) {
        const auto scale =
            1 / std::sqrt(static_cast<float>(oracle.parameters().entry(i).info.fan_in()));
        auto array = model.parameters().on_host(i);
        for (float& value : array.span()) value = random.uniform(-1, 1) * scale;
        std::ranges::copy(array.span(), oracle.parameters()[i].begin());
        array.store();
    }
    std::vector<float> input(static_cast<std::size_t>(batch * actual.size()));
    for (float& value : input) value = random.uniform(-1, 1);
    const std::vector<double> wide(input.begin(), input.end());

    auto resting = model.workspace(batch, Mode::inference, actual);
    auto resting_oracle = oracle.workspace(batch, Mode::inference, actual);
    auto workspace = model.workspace(batch, Mode::training, actual, true);
    auto oracle_workspace = oracle.workspace(batch, Mode::training, actual, true);
    for (auto* each : {&resting, &workspace}) each->fill(std::byte{0xFF});
    for (auto* each : {&resting_oracle, &oracle_workspace}) each->fill(std::byte{0xFF});

    const Stream masks{seed, Purpose::dropout};
    const View<const float> x{input.data(), batch, actual};
    const View<const double> wide_x{wide.data(), batch, actual};
    const auto rest = model.forward(resting, x);
    double most = apart(values(rest), values(oracle.forward(resting_oracle, wide_x)));
    const auto y = model.forward(workspace, x, masks);
    most =
        std::max(most, apart(values(y), values(oracle.forward(oracle_workspace, wide_x, masks))));

    const auto dy = workspace.gradient(model.depth);
    const auto wide_dy = oracle_workspace.gradient(model.depth);
    HostArray<float, Memory> slope(dy.data, dy.size());
    for (Index i = 0; i < dy.size(); ++i) {
        wide_dy[i] = slope.span()[static_cast<std::size_t>(i)] = random.uniform(-1, 1);
    }
    slope.store();
    auto gradients = model.gradients();
    auto expected = oracle.gradients();
    model.backward(workspace, gradients);
    oracle.backward(oracle_workspace, expected);
    most =
        std::max(most, apart(values(workspace.gradient(0)), values(oracle_workspace.gradient(0))));
    for (int i = 0; i < model.parameters().count(); ++i) {
        const ParameterEntry& entry = model.parameters().entry(i);
        if (entry.frozen) continue;
        const auto size = static_cast<std::size_t>(entry.info.count());
        HostArray<float, Memory> found(gradients.data() + entry.offset, entry.info.count());
        most = std::max(most, apart(found.span(), {expected.data() + entry.offset, size}));
    }
    return most;
}

/// The largest disagreement over batches of 1, 33 and between, and random extents of a dynamic
/// input.
template <class Net, int Channels, class Backend = Cpu>
double disagreement_over_shapes(int smallest, int largest, int trials = 6) {
    Random random({.seed = 7, .purpose = Purpose::sample});
    double most = 0;
    for (int trial = 0; trial < trials; ++trial) {
        auto extent = [&] {
            return smallest + static_cast<int>(
                                  random.below(static_cast<std::uint32_t>(largest - smallest + 1)));
        };
        const Shape actual{Channels, extent(), extent()};
        const int batch = trial == 0 ? 1 : trial == 1 ? 33 : 2 + static_cast<int>(random.below(31));
        const double found = disagreement<Net, Shape{Channels, dynamic, dynamic}, Backend>(
            batch, actual, static_cast<std::uint64_t>(trial));
        most = std::max(most, found);
    }
    return most;
}

}  // namespace tessera::test
