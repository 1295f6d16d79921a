// SPDX-License-Identifier: MIT
// No op allocates: what it needs beyond the stack comes from its caller.
#include <doctest/doctest.h>

#include "allocations.hpp"
#include "oracle.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/cpu/eigen.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE_TEMPLATE("products allocate nothing after the threads have started", Table, Cpu,
                   CpuEigen) {
    check_that_allocations_are_counted();
    Random random({.seed = 1});
    const ConvGeometry conv{
        .batch = 4, .input = {32, 30, 30}, .output = {400, 30, 30}, .window = {3, 3, 1, 1, 1}};
    const LinearGeometry linear{.batch = 40, .inputs = 900, .outputs = 1100};
    const auto x = random_values<float>(random, 4 * conv.input.size());
    const auto weights = random_values<float>(random, linear.inputs * linear.outputs);
    auto y = random_values<float>(random, 4 * conv.output.size());
    std::vector<float> dx(x.size()), dweights(weights.size()), dbias(1100);
    Memory<typename Table::Conv, float> conv_memory(conv, 2);
    Memory<typename Table::Linear, float> linear_memory(linear, 2);
    for (int round = 0; round < 2; ++round) {
        const long before = allocations;
        Table::Conv::forward(conv, x.data(), weights.data(), dbias.data(), y.data(), conv_memory);
        Table::Conv::backward_data(conv, weights.data(), y.data(), dx.data(), conv_memory);
        Table::Conv::backward_parameters(conv, x.data(), y.data(), dweights.data(), dbias.data(),
                                         conv_memory);
        Table::Linear::forward(linear, x.data(), weights.data(), dbias.data(), y.data(),
                               linear_memory);
        Table::Linear::backward_data(linear, weights.data(), y.data(), dx.data(), linear_memory);
        Table::Linear::backward_parameters(linear, x.data(), y.data(), dweights.data(),
                                           dbias.data(), linear_memory);
        if (round == 1) CHECK(allocations == before);
    }
}
