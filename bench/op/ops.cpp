// SPDX-License-Identifier: MIT
// The ops of Cpu on AlexNet's layers, each beside what else there is for the same work: oneDNN's
// kernels, Eigen's product, a copy. Products in GFLOP/s, the rest in GB/s.
//
// A name is layer/pass/batch/who; C2u, C4u and C5u are the layers without groups, as oneDNN and
// most networks since have them. tools/ratios.py compares those that differ in `who` alone:
//   bench_op_ops --benchmark_enable_random_interleaving --benchmark_repetitions=9
//       --benchmark_out=ops.json && tools/ratios.py ops.json
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/cpu/eigen.hpp"
#ifdef TESSERA_ONEDNN
#include "op/onednn.hpp"
#endif

namespace {

using namespace tessera;
using benchmark::State;

constexpr int batches[] = {1, 16, 128};

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

#ifdef TESSERA_ONEDNN
template <class Make>
void add_onednn(const std::string& name, double flops, const Make& make) {
    try {
        make();
    } catch (const dnnl::error&) {
        return;  // no such algorithm for the geometry
    }
    benchmark::RegisterBenchmark(name.c_str(), [=](State& state) {
        bench::OneDnn op = make();
        for (auto _ : state) op.run();
        report(state, "GFLOP", flops);
    })->UseRealTime();
}
#endif

constexpr const char* passes[] = {"forward", "data", "weights"};

template <class Op, class Geometry>
void add_product(const std::string& name, const Geometry& g, int pass, Index inputs, Index weights,
                 Index outputs, double flops) {
    benchmark::RegisterBenchmark(name.c_str(), [=](State& state) {
        run_product<Op>(state, g, pass, inputs, weights, outputs, flops);
    })->UseRealTime();
}

void add_convolution(const std::string& layer, ConvGeometry g) {
    for (const int batch : batches) {
        g.batch = batch;
        const Index weights = g.groups * g.depth() * g.filters();
        const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
        const double flops = 2.0 * static_cast<double>(g.batch * g.output.area() * weights);
        for (int pass = 0; pass < 3; ++pass) {
            const std::string name = layer + "/" + passes[pass] + "/" + std::to_string(batch) + "/";
            add_product<Cpu::Conv>(name + "tessera", g, pass, inputs, weights, outputs, flops);
            add_product<CpuEigen::Conv>(name + "eigen", g, pass, inputs, weights, outputs, flops);
#ifdef TESSERA_ONEDNN
            add_onednn(name + "onednn", flops,
                       [=] { return bench::OneDnn(g, pass, dnnl::algorithm::convolution_direct); });
            add_onednn(name + "onednn_winograd", flops, [=] {
                return bench::OneDnn(g, pass, dnnl::algorithm::convolution_winograd);
            });
#endif
        }
    }
}

void add_linear(const std::string& layer, LinearGeometry g) {
    for (const int batch : batches) {
        g.batch = batch;
        const Index weights = g.inputs * g.outputs;
        const Index inputs = g.batch * g.inputs, outputs = g.batch * g.outputs;
        const double flops = 2.0 * static_cast<double>(g.batch * weights);
        for (int pass = 0; pass < 3; ++pass) {
            const std::string name = layer + "/" + passes[pass] + "/" + std::to_string(batch) + "/";
            add_product<Cpu::Linear>(name + "tessera", g, pass, inputs, weights, outputs, flops);
            add_product<CpuEigen::Linear>(name + "eigen", g, pass, inputs, weights, outputs, flops);
#ifdef TESSERA_ONEDNN
            add_onednn(name + "onednn", flops, [=] { return bench::OneDnn(g, pass); });
#endif
        }
    }
}

void normalise(State& state, int batch) {
    const LrnGeometry g{batch, {96, 55, 55}};
    const Index n = g.batch * g.shape.size();
    auto x = filled(n), y = filled(n), scale = filled(n);
    for (auto _ : state) Cpu::Lrn::forward(g, x.data(), y.data(), scale.data());
    report(state, "GB", 12.0 * static_cast<double>(n));
}

void normalise_backward(State& state, int batch) {
    const LrnGeometry g{batch, {96, 55, 55}};
    const Index n = g.batch * g.shape.size();
    auto x = filled(n), y = filled(n), scale = filled(n), dy = filled(n), dx = filled(n);
    Cpu::Lrn::forward(g, x.data(), y.data(), scale.data());
    for (auto _ : state) {
        Cpu::Lrn::backward(g, x.data(), y.data(), scale.data(), dy.data(), dx.data());
    }
    report(state, "GB", 20.0 * static_cast<double>(n));
}

void pool(State& state, int batch, bool backward) {
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

void copy(State& state, int batch) {
    const Index n = batch * Shape{96, 55, 55}.size();
    auto x = filled(n), y = filled(n);
    for (auto _ : state) {
        std::copy_n(x.data(), n, y.data());
        benchmark::ClobberMemory();
    }
    report(state, "GB", 8.0 * static_cast<double>(n));
}

[[maybe_unused]] const bool registered = [] {
    const SlidingWindow three{3, 3, 1, 1, 1}, five{5, 5, 1, 2, 2};
    add_convolution("C1", {0, {3, 224, 224}, {96, 55, 55}, {11, 11, 4}});
    add_convolution("C2", {0, {96, 27, 27}, {256, 27, 27}, five, 2});
    add_convolution("C2u", {0, {96, 27, 27}, {256, 27, 27}, five});
    add_convolution("C3", {0, {256, 13, 13}, {384, 13, 13}, three});
    add_convolution("C4", {0, {384, 13, 13}, {384, 13, 13}, three, 2});
    add_convolution("C4u", {0, {384, 13, 13}, {384, 13, 13}, three});
    add_convolution("C5", {0, {384, 13, 13}, {256, 13, 13}, three, 2});
    add_convolution("C5u", {0, {384, 13, 13}, {256, 13, 13}, three});
    add_linear("FC6", {0, 9216, 4096});
    add_linear("FC7", {0, 4096, 4096});
    for (const int batch : batches) {
        const auto add = [&](const char* what, auto run, auto... pass) {
            const std::string name = what + std::to_string(batch) + "/tessera";
            benchmark::RegisterBenchmark(name.c_str(), run, batch, pass...)->UseRealTime();
        };
        add("lrn1/forward/", normalise);
        add("lrn1/backward/", normalise_backward);
        add("max_pool1/forward/", pool, false);
        add("max_pool1/backward/", pool, true);
        add("copy1/forward/", copy);
    }
    return true;
}();

}  // namespace
