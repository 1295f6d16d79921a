// SPDX-License-Identifier: MIT
// Ops that take the gradient of the ReLU before them: to the bit what the op and then the ReLU
// give.
#include <doctest/doctest.h>

#include <cstring>

#include "hosted_cuda.hpp"
#include "oracle.hpp"
#include "tables.hpp"
#include "tensor_oracle.hpp"
#include "tessera/backend/cuda/conv_tensor.cuh"

using namespace tessera;
using namespace tessera::test;

namespace {

/// What a ReLU may put out: noughts of both signs, NaN, and numbers that are positive.
template <class T>
std::vector<T> rectified_values(Random& random, Index count) {
    auto values = random_values<T>(random, count);
    for (T& value : values) {
        const auto kind = random.below(8);
        if (float(value) < 0) value = T(kind < 4 ? 0.0f : -0.0f);
        if (kind == 7) value = T(NAN);
    }
    return values;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// backward(dx, rectified) writes the gradient of an op's input.
template <class T, class Backward>
void check_gradient(Random& random, Index count, const Backward& backward) {
    const auto outputs = rectified_values<T>(random, count);
    auto expected = unwritten<T>(count), found = unwritten<T>(count);
    backward(expected.data(), static_cast<const T*>(nullptr));
    backward(found.data(), outputs.data());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (!(outputs[i] > 0)) expected[i] = T(0.0f);
    }
    CHECK(same_bits(found, expected));
}

}  // namespace

TEST_CASE_TEMPLATE("pooling takes the gradient of the ReLU before it", Table,
                   TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    Random random({.seed = 1});
    for (int round = 0; round < 40; ++round) {
        PoolGeometry g = random_pooling(random);
        if (round % 2 == 0) g.input.channels = g.output.channels = 8 * between(random, 1, 5);
        const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
        const auto x = random_values<T>(random, inputs), dy = random_values<T>(random, outputs);
        auto y = unwritten<T>(outputs);
        std::vector<std::int32_t> argmax(y.size());
        Table::MaxPool::forward(g, x.data(), y.data(), argmax.data());
        check_gradient<T>(random, inputs, [&](T* dx, const T* rectified) {
            Table::MaxPool::backward(g, argmax.data(), dy.data(), dx, rectified);
        });
        check_gradient<T>(random, inputs, [&](T* dx, const T* rectified) {
            Table::AveragePool::backward(g, dy.data(), dx, rectified);
        });
    }
}

TEST_CASE_TEMPLATE("dropout takes the gradient of the ReLU before it", Table,
                   TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    Random random({.seed = 2});
    for (const Index n : {1, 3, 4, 65, 1001, 4096}) {
        const auto dy = random_values<T>(random, n);
        std::vector<std::uint8_t> mask(dy.size());
        for (auto& kept : mask) kept = random.chance(0.5f);
        check_gradient<T>(random, n, [&](T* dx, const T* rectified) {
            Table::Dropout::backward(n, 0.3, mask.data(), dy.data(), dx, rectified);
        });
    }
}

TEST_CASE_TEMPLATE("normalisation takes the gradient of the ReLU before it", Table,
                   TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    Random random({.seed = 3});
    for (int round = 0; round < 20; ++round) {
        const LrnGeometry g{random_batch(random),
                            {round % 2 ? between(random, 1, 90) : 8 * between(random, 1, 9),
                             between(random, 1, 5), between(random, 1, 5)},
                            between(random, 1, 9)};
        const Index n = g.batch * g.shape.size();
        const auto dy = random_values<T>(random, n);
        // The ReLU's output is the op's own input.
        auto x = rectified_values<T>(random, n);
        for (T& value : x) {
            if (value != value) value = T(0.0f);
        }
        auto y = unwritten<T>(n), scale = y, expected = y, found = y;
        Table::Lrn::forward(g, x.data(), y.data(), scale.data());
        Table::Lrn::backward(g, x.data(), y.data(), scale.data(), dy.data(), expected.data());
        Table::Lrn::backward(g, x.data(), y.data(), scale.data(), dy.data(), found.data(),
                             x.data());
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (!(x[i] > 0)) expected[i] = T(0.0f);
        }
        CHECK(same_bits(found, expected));
    }
}

TEST_CASE_TEMPLATE("a convolution takes the gradient of the ReLU before it", T, float, double,
                   Bf16) {
    Random random({.seed = 4});
    const auto check = [&]<class Op>(const ConvGeometry& g, Index shift, Op) {
        CAPTURE(text(g.batch, " x ", g.input, " to ", g.output));
        OnDevice<T> weights(random_values<T>(random, weight_count(g)), shift);
        OnDevice<T> dy(random_values<T>(random, output_count(g)), shift);
        const std::size_t bytes = Op::template scratch_bytes<T>(g, 1);
        OnDevice<std::byte> memory(std::vector<std::byte>(bytes, std::byte{0xFF}), 0);
        check_gradient<T>(random, input_count(g), [&](T* dx, const T* rectified) {
            const auto size = static_cast<std::size_t>(input_count(g));
            OnDevice<T> there(unwritten<T>(input_count(g)), shift);
            OnDevice<T> outputs(
                rectified ? std::vector<T>(rectified, rectified + size) : std::vector<T>(size),
                shift);
            Op::backward_data(g, weights.data(), dy.data(), there.data(),
                              Scratch{memory.data(), bytes, 1},
                              rectified ? outputs.data() : nullptr);
            const auto found = there.values();
            std::copy(found.begin(), found.end(), dx);
        });
    };
#ifndef __CUDACC__
    [[maybe_unused]] const auto check_on_host = [&]<class Op>(const ConvGeometry& g, Op) {
        CAPTURE(text(g.batch, " x ", g.input, " to ", g.output));
        const auto weights = random_values<T>(random, weight_count(g));
        const auto dy = random_values<T>(random, output_count(g));
        Memory<Op, T> memory(g, 2);
        check_gradient<T>(random, input_count(g), [&](T* dx, const T* rectified) {
            Op::backward_data(g, weights.data(), dy.data(), dx, memory, rectified);
        });
    };
#endif
    for (int round = 0; round < 10; ++round) {
        ConvGeometry g = random_convolution(random);
        g.batch = 1 + round % 3;
        check(g, round % 2, cuda::PlainConv{});
#ifndef __CUDACC__
        if constexpr (!std::is_same_v<T, Bf16>) {
            check_on_host(g, cpu::Conv{});
            check_on_host(g, cpu::ProductConv<cpu::TiledProduct>{});
        }
#endif
        if constexpr (!std::is_same_v<T, double>) {
            check(g, 0, cuda::TensorConv{});
            g.input.channels = g.groups * 8 * between(random, 1, 3);
            g.output.channels = g.groups * 8 * between(random, 1, 3);
            check(g, round % 2, cuda::TensorConv{});
        }
    }
    // Sums in slices.
    const ConvGeometry deep{
        .batch = 1, .input = {16, 5, 5}, .output = {256, 5, 5}, .window = {3, 3, 1, 1, 1}};
    check(deep, 0, cuda::PlainConv{});
#ifndef __CUDACC__
    // One product over all pixels; several pieces of weights.
    if constexpr (!std::is_same_v<T, Bf16>) {
        check_on_host({.batch = 3, .input = {34, 7, 9}, .output = {50, 7, 9}, .groups = 2},
                      cpu::Conv{});
        check_on_host(
            {.batch = 1, .input = {8, 6, 5}, .output = {600, 6, 5}, .window = {3, 3, 1, 1, 1}},
            cpu::Conv{});
    }
#endif
    if constexpr (!std::is_same_v<T, double>) check(deep, 0, cuda::TensorConv{});
}
