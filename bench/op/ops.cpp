// SPDX-License-Identifier: MIT
// The ops of Cpu and CpuEigen on AlexNet's layers at batch 16, in GFLOP/s, beside Eigen's plain
// product of the same size (without the copying of patches); pooling, normalisation and the like in
// GB/s beside a copy.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/cpu/eigen.hpp"

namespace {

using namespace tessera;
using benchmark::State;

constexpr int batch = 16;

Buffer<float> filled(Index count) {
    Buffer<float> values(count);
    Random random({.seed = 1});
    for (float& value : values) value = random.uniform(-1, 1);
    return values;
}

template <class Op, class Geometry>
struct Memory {
    Buffer<std::byte> bytes;
    explicit Memory(const Geometry& g)
        : bytes(static_cast<Index>(Op::template scratch_bytes<float>(g, Cpu::threads()))) {}
    operator Scratch() {
        return {bytes.data(), static_cast<std::size_t>(bytes.size()), Cpu::threads()};
    }
};

void report(State& state, const char* unit, double work) {
    state.counters[unit] =
        benchmark::Counter(work * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

/// Runs one of the three products: 0 forward, 1 gradient of the data, 2 of the parameters.
template <class Op, class Geometry>
void run_product(State& state, const Geometry& g, int pass, Index inputs, Index weight_count,
                 Index outputs, double flops) {
    auto x = filled(inputs), weights = filled(weight_count), y = filled(outputs);
    Memory<Op, Geometry> memory(g);
    for (auto _ : state) {
        if (pass == 0) Op::forward(g, x.data(), weights.data(), nullptr, y.data(), memory);
        if (pass == 1) Op::backward_data(g, weights.data(), y.data(), x.data(), memory);
        if (pass == 2) {
            Op::backward_parameters(g, x.data(), y.data(), weights.data(), nullptr, memory);
        }
        benchmark::ClobberMemory();
    }
    report(state, "GFLOP", flops);
}

/// Eigen's product as its users write it; with OpenMP it uses all threads too.
void run_plain_product(State& state, Index rows, Index columns, Index depth) {
    using Plain = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Plain a = Plain::Random(rows, depth), b = Plain::Random(depth, columns);
    Plain c(rows, columns);
    for (auto _ : state) {
        c.noalias() = a * b;
        benchmark::ClobberMemory();
    }
    report(state, "GFLOP", 2.0 * static_cast<double>(rows * columns * depth));
}

/// The three passes of an op, as run_product has them.
template <class Op, class Geometry>
void add_passes(const std::string& name, const Geometry& g, Index inputs, Index weights,
                Index outputs, double flops) {
    const char* passes[] = {"forward", "backward_data", "backward_parameters"};
    for (int pass = 0; pass < 3; ++pass) {
        benchmark::RegisterBenchmark((name + "/" + passes[pass]).c_str(), [=](State& state) {
            run_product<Op>(state, g, pass, inputs, weights, outputs, flops);
        })->UseRealTime();
    }
}

void add_plain_product(const std::string& name, Index rows, Index columns, Index depth) {
    benchmark::RegisterBenchmark((name + "/plain_eigen").c_str(), [=](State& state) {
        run_plain_product(state, rows, columns, depth);
    })->UseRealTime();
}

void add_convolution(const std::string& name, const ConvGeometry& g) {
    const Index weights = g.groups * g.depth() * g.filters();
    const Index rows = g.batch * g.output.area();
    const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
    const double flops = 2.0 * static_cast<double>(rows * weights);
    add_passes<Cpu::Conv>(name, g, inputs, weights, outputs, flops);
    add_passes<CpuEigen::Conv>(name + "/eigen", g, inputs, weights, outputs, flops);
    add_plain_product(name, rows, g.filters(), g.depth());
}

void add_linear(const std::string& name, const LinearGeometry& g) {
    const Index weights = g.inputs * g.outputs;
    const Index inputs = g.batch * g.inputs, outputs = g.batch * g.outputs;
    const double flops = 2.0 * static_cast<double>(g.batch * weights);
    add_passes<Cpu::Linear>(name, g, inputs, weights, outputs, flops);
    add_passes<CpuEigen::Linear>(name + "/eigen", g, inputs, weights, outputs, flops);
    add_plain_product(name, g.batch, g.outputs, g.inputs);
}

void normalise(State& state) {
    const LrnGeometry g{batch, {96, 55, 55}};
    const Index n = g.batch * g.shape.size();
    auto x = filled(n), y = filled(n), scale = filled(n);
    for (auto _ : state) Cpu::Lrn::forward(g, x.data(), y.data(), scale.data());
    report(state, "GB", 12.0 * static_cast<double>(n));
}

void normalise_backward(State& state) {
    const LrnGeometry g{batch, {96, 55, 55}};
    const Index n = g.batch * g.shape.size();
    auto x = filled(n), y = filled(n), scale = filled(n), dy = filled(n), dx = filled(n);
    Cpu::Lrn::forward(g, x.data(), y.data(), scale.data());
    for (auto _ : state) {
        Cpu::Lrn::backward(g, x.data(), y.data(), scale.data(), dy.data(), dx.data());
    }
    report(state, "GB", 20.0 * static_cast<double>(n));
}

void pool(State& state, bool backward) {
    const PoolGeometry g{batch, {96, 55, 55}, {96, 27, 27}, {3, 3, 2}};
    const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
    auto x = filled(inputs), y = filled(outputs);
    Buffer<std::int32_t> argmax(outputs);
    Cpu::MaxPool::forward(g, x.data(), y.data(), argmax.data());
    for (auto _ : state) {
        if (backward) {
            Cpu::MaxPool::backward(g, argmax.data(), y.data(), x.data());
        } else {
            Cpu::MaxPool::forward(g, x.data(), y.data(), argmax.data());
        }
    }
    report(state, "GB", 4.0 * static_cast<double>(inputs + 2 * outputs));
}

void copy(State& state) {
    const Index n = batch * Shape{96, 55, 55}.size();
    auto x = filled(n), y = filled(n);
    for (auto _ : state) {
        std::copy_n(x.data(), n, y.data());
        benchmark::ClobberMemory();
    }
    report(state, "GB", 8.0 * static_cast<double>(n));
}

[[maybe_unused]] const bool registered = [] {
    add_convolution("C1", {batch, {3, 224, 224}, {96, 55, 55}, {11, 11, 4}});
    add_convolution("C2", {batch, {96, 27, 27}, {256, 27, 27}, {5, 5, 1, 2, 2}, 2});
    add_convolution("C3", {batch, {256, 13, 13}, {384, 13, 13}, {3, 3, 1, 1, 1}});
    add_convolution("C4", {batch, {384, 13, 13}, {384, 13, 13}, {3, 3, 1, 1, 1}, 2});
    add_convolution("C5", {batch, {384, 13, 13}, {256, 13, 13}, {3, 3, 1, 1, 1}, 2});
    add_linear("FC6", {batch, 9216, 4096});
    benchmark::RegisterBenchmark("lrn/forward", normalise)->UseRealTime();
    benchmark::RegisterBenchmark("lrn/backward", normalise_backward)->UseRealTime();
    benchmark::RegisterBenchmark("max_pool/forward", pool, false)->UseRealTime();
    benchmark::RegisterBenchmark("max_pool/backward", pool, true)->UseRealTime();
    benchmark::RegisterBenchmark("copy", copy)->UseRealTime();
    return true;
}();

}  // namespace
