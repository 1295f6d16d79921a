// SPDX-License-Identifier: MIT
// What only the processor's own products promise: the same bits with any number of threads, and
// nothing lost with large weights and deep sums.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "convolution_check.hpp"
#include "oracle.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/reference/reference.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("a convolution whose weights are too large to be copied, at few positions") {
    Random random({.seed = 6});
    for (const int batch : {1, 2, 9}) {
        const ConvGeometry g{
            .batch = batch, .input = {1050, 5, 5}, .output = {256, 2, 2}, .window = {4, 4}};
        check_convolution<Cpu::Conv, float>(g, {1, 2}, random);
    }
}

TEST_CASE("a convolution gives the same bits with any number of threads") {
    using Op = cpu::ConvByDefinition;
    Random random({.seed = 7});
    const ConvGeometry geometries[] = {
        // Directly; as one product with fewer positions than filters and with more.
        {.batch = 3, .input = {20, 9, 9}, .output = {40, 9, 9}, .window = {3, 3, 1, 1, 1}},
        {.batch = 1, .input = {70, 4, 7}, .output = {90, 4, 7}},
        {.batch = 1, .input = {70, 6, 8}, .output = {9, 6, 8}},
        // By columns of patches, few of them and many.
        {.batch = 1, .input = {1050, 5, 5}, .output = {256, 2, 2}, .window = {4, 4}},
        {.batch = 9, .input = {1050, 5, 5}, .output = {256, 2, 2}, .window = {4, 4}},
    };
    for (const ConvGeometry& g : geometries) {
        CAPTURE(text(g.batch, " of ", g.input, " to ", g.output));
        const auto x = random_values<float>(random, g.batch * g.input.size());
        const auto weights = random_values<float>(random, g.depth() * g.filters());
        const auto dy = random_values<float>(random, g.batch * g.output.size());
        std::vector<float> first;
        for (const int threads : {1, 2, 3, 16}) {
            Memory<Op, float> memory(g, threads);
            std::vector<float> all(x.size() + weights.size() + dy.size());
            float* dx = all.data();
            float* dweights = dx + x.size();
            Op::forward(g, x.data(), weights.data(), nullptr, dweights + weights.size(), memory);
            Op::backward_data(g, weights.data(), dy.data(), dx, memory);
            Op::backward_parameters(g, x.data(), dy.data(), dweights, nullptr, memory);
            if (threads == 1) first = all;
            CHECK(all == first);
        }
    }
}

TEST_CASE_TEMPLATE("a linear op gives the same bits with any number of threads", T, float, Bf16) {
    using Op = Cpu::Linear;
    Random random({.seed = 8});
    for (const int batch : {1, 5, 32, 33, 200}) {
        CAPTURE(batch);
        const LinearGeometry g{batch, 300, 170};
        const auto x = random_values<T>(random, g.batch * g.inputs);
        const auto weights = random_values<T>(random, g.inputs * g.outputs);
        const auto dy = random_values<T>(random, g.batch * g.outputs);
        std::vector<T> first;
        std::vector<float> first_dweights;
        for (const int threads : {1, 2, 3, 16}) {
            Memory<Op, T> memory(g, threads);
            std::vector<T> passes(dy.size() + x.size());
            std::vector<float> dweights(weights.size());
            Op::forward(g, x.data(), weights.data(), nullptr, passes.data(), memory);
            Op::backward_data(g, weights.data(), dy.data(), passes.data() + dy.size(), memory);
            Op::backward_parameters(g, x.data(), dy.data(), dweights.data(), nullptr, memory);
            if (threads == 1) {
                first = passes;
                first_dweights = dweights;
            }
            CHECK(std::equal(passes.begin(), passes.end(), first.begin()));
            CHECK(dweights == first_dweights);
        }
    }
}

TEST_CASE("deep sums of a linear op stay within 3e-6 of the largest") {
    Random random({.seed = 9});
    for (const int batch : {1, 4, 16, 33}) {
        const LinearGeometry g{batch, 9216, 64};
        const auto x = random_values<float>(random, g.batch * g.inputs, 0, 1);
        const auto weights = random_values<float>(random, g.inputs * g.outputs);
        auto y = unwritten<float>(g.batch * g.outputs);
        Memory<Cpu::Linear, float> memory(g, 2);
        Cpu::Linear::forward(g, x.data(), weights.data(), nullptr, y.data(), memory);
        Values expected(y.size());
        reference::Linear::forward(g, widened(x).data(), widened(weights).data(), nullptr,
                                   expected.data(), {});
        CHECK(difference(y, expected) < 3e-6);
    }
}
