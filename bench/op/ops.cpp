// SPDX-License-Identifier: MIT
// The ops of Cpu on AlexNet's layers, each beside what else there is for the same work: oneDNN's
// kernels, Eigen's product; and what the machine can do at most. GFLOP/s and GB/s, the bytes being
// those of arrays that are read once and written once.
//
// A name is layer/pass/batch/who; C2u, C4u and C5u are the layers without groups, as oneDNN and
// most networks since have them; C1_bf16 and so on multiply numbers in bfloat16. tessera_direct is
// CpuDirect, which knows no Winograd. tools/ratios.py compares those that differ in `who` alone, of
// several runs of the program, as those who do the same work follow each other:
//   for run in 1 2 3 4 5; do
//     bench_op_ops --benchmark_out=ops$run.json --benchmark_min_time=0.02
//   done
//   tools/ratios.py ops?.json
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "op/ceilings.hpp"
#include "tessera/backend/cpu/conv_memory.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/cpu/eigen.hpp"
#include "tessera/backend/cpu/gemm.hpp"
#include "tessera/backend/cpu/im2col.hpp"
#include "tessera/backend/cpu/lines.hpp"
#include "tessera/backend/cpu/loss.hpp"
#include "tessera/backend/cpu/pair_panel.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/transpose.hpp"
#include "tessera/backend/cpu/winograd_transform.hpp"
#ifdef TESSERA_ONEDNN
#include "op/onednn.hpp"
#endif

namespace {

using namespace tessera;
using benchmark::State;

constexpr int batches[] = {1, 16, 128};

template <class T = float>
Buffer<T> filled(Index count) {
    Buffer<T> values(count);
    Random random({.seed = 1});
    for (T& value : values) value = T(random.uniform(-1, 1));
    return values;
}

template <class Op, class Geometry, class T = float>
struct Memory {
    Buffer<std::byte> bytes;
    explicit Memory(const Geometry& g)
        : bytes(static_cast<Index>(Op::template scratch_bytes<T>(g, Cpu::threads()))) {}
    operator Scratch() {
        return {bytes.data(), static_cast<std::size_t>(bytes.size()), Cpu::threads()};
    }
};

/// Once before the clock runs: memory is new, the caches hold something else.
template <class Body>
void time(State& state, const Body& body) {
    body();
    for (auto _ : state) {
        body();
        benchmark::ClobberMemory();
    }
}

/// What one iteration computes and moves; 0 for what is not told.
struct Work {
    double flops = 0;
    double bytes = 0;
};

void report(State& state, Work work) {
    const auto tell = [&](const char* unit, double amount) {
        if (amount == 0) return;
        state.counters[unit] =
            benchmark::Counter(amount * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
    };
    tell("GFLOP", work.flops);
    tell("GB", work.bytes);
}

template <class Run>
void add(const std::string& name, const Run& run) {
    benchmark::RegisterBenchmark(name.c_str(), run)->UseRealTime();
}

#ifdef TESSERA_ONEDNN
template <class Make>
void add_onednn(const std::string& name, Work work, const Make& make) {
    add(name, [=](State& state) {
        try {
            auto op = make();
            time(state, [&] { op.run(); });
            report(state, work);
        } catch (const dnnl::error&) {
            state.SkipWithError("oneDNN has no such algorithm for the geometry");
        }
    });
}
#endif

// ---- products ----

constexpr const char* passes[] = {"forward", "data", "weights"};

/// Adds one of the three products: 0 forward, 1 gradient of the data, 2 of the parameters.
template <class Op, class T = float, class Geometry>
void add_product(const std::string& name, const Geometry& g, int pass, Index inputs, Index weights,
                 Index outputs, Work work) {
    add(name, [=](State& state) {
        auto x = filled<T>(inputs), w = filled<T>(weights), y = filled<T>(outputs);
        auto gradient = filled<Master<T>>(weights);
        Memory<Op, Geometry, T> memory(g);
        time(state, [&] {
            if (pass == 0) Op::forward(g, x.data(), w.data(), nullptr, y.data(), memory);
            if (pass == 1) Op::backward_data(g, w.data(), y.data(), x.data(), memory);
            if (pass == 2) {
                Op::backward_parameters(g, x.data(), y.data(), gradient.data(), nullptr, memory);
            }
        });
        report(state, work);
    });
}

void add_convolution(const std::string& layer, ConvGeometry g) {
    for (const int batch : batches) {
        g.batch = batch;
        const Index weights = g.groups * g.depth() * g.filters();
        const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
        const Work work{2.0 * static_cast<double>(g.batch * g.output.area() * weights),
                        4.0 * static_cast<double>(inputs + weights + outputs)};
        for (int pass = 0; pass < 3; ++pass) {
            const std::string name = layer + "/" + passes[pass] + "/" + std::to_string(batch) + "/";
            add_product<Cpu::Conv>(name + "tessera", g, pass, inputs, weights, outputs, work);
            if (cpu::is_tileable(g)) {
                add_product<CpuDirect::Conv>(name + "tessera_direct", g, pass, inputs, weights,
                                             outputs, work);
            }
#ifdef TESSERA_ONEDNN
            add_onednn(name + "onednn", work, [=] {
                return bench::OneDnnProduct(g, pass, dnnl::algorithm::convolution_direct);
            });
            if (g.window.height == 3 && g.groups == 1) {
                add_onednn(name + "onednn_winograd", work, [=] {
                    return bench::OneDnnProduct(g, pass, dnnl::algorithm::convolution_winograd);
                });
            }
#endif
            add_product<CpuEigen::Conv>(name + "eigen", g, pass, inputs, weights, outputs, work);
        }
    }
}

void add_linear(const std::string& layer, LinearGeometry g) {
    for (const int batch : batches) {
        g.batch = batch;
        const Index weights = g.inputs * g.outputs;
        const Index inputs = g.batch * g.inputs, outputs = g.batch * g.outputs;
        const Work work{2.0 * static_cast<double>(g.batch * weights),
                        4.0 * static_cast<double>(inputs + weights + outputs)};
        for (int pass = 0; pass < 3; ++pass) {
            const std::string name = layer + "/" + passes[pass] + "/" + std::to_string(batch) + "/";
            add_product<Cpu::Linear>(name + "tessera", g, pass, inputs, weights, outputs, work);
#ifdef TESSERA_ONEDNN
            add_onednn(name + "onednn", work, [=] { return bench::OneDnnProduct(g, pass); });
#endif
            add_product<CpuEigen::Linear>(name + "eigen", g, pass, inputs, weights, outputs, work);
        }
    }
}

/// The products of a layer in bfloat16, forward and back, beside oneDNN's.
template <class Op, class Geometry>
void add_narrow(const std::string& layer, Geometry g, Index inputs, Index weights, Index outputs,
                Index products) {
    for (const int batch : batches) {
        g.batch = batch;
        const Work work{2.0 * static_cast<double>(batch * products),
                        2.0 * static_cast<double>(batch * (inputs + outputs) + weights)};
        for (int pass = 0; pass < 3; ++pass) {
            const std::string name =
                layer + "_bf16/" + passes[pass] + "/" + std::to_string(batch) + "/";
            add_product<Op, Bf16>(name + "tessera", g, pass, batch * inputs, weights,
                                  batch * outputs, work);
#ifdef TESSERA_ONEDNN
            add_onednn(name + "onednn", work, [=] {
                constexpr auto type = dnnl::memory::data_type::bf16;
                if constexpr (std::is_same_v<Geometry, ConvGeometry>) {
                    return bench::OneDnnProduct(g, pass, dnnl::algorithm::convolution_direct, type);
                } else {
                    return bench::OneDnnProduct(g, pass, type);
                }
            });
#endif
        }
    }
}

void add_narrow_convolution(const std::string& layer, const ConvGeometry& g) {
    const Index weights = g.groups * g.depth() * g.filters();
    add_narrow<Cpu::Conv>(layer, g, g.input.size(), weights, g.output.size(),
                          g.output.area() * weights);
}

// ---- layers without parameters ----

/// Calls f(name, batch, backward) for both passes of a layer at every batch.
template <class F>
void both_passes(const std::string& layer, const F& f) {
    for (const int batch : batches) {
        for (const bool backward : {false, true}) {
            f(layer + (backward ? "/backward/" : "/forward/") + std::to_string(batch) + "/", batch,
              backward);
        }
    }
}

Work moving(double bytes_each, Index count) { return {0, bytes_each * static_cast<double>(count)}; }

/// Forward reads x and writes y and the scale, backward reads those and dy and writes dx.
void add_lrn(const std::string& layer, Shape shape) {
    both_passes(layer, [=](const std::string& name, int batch, bool backward) {
        const LrnGeometry g{batch, shape};
        const Index n = g.batch * g.shape.size();
        const Work work = moving(backward ? 20 : 12, n);
        add(name + "tessera", [=](State& state) {
            auto x = filled(n), y = filled(n), scale = filled(n), dy = filled(n), dx = filled(n);
            Cpu::Lrn::forward(g, x.data(), y.data(), scale.data());
            time(state, [&] {
                if (backward) {
                    Cpu::Lrn::backward(g, x.data(), y.data(), scale.data(), dy.data(), dx.data());
                } else {
                    Cpu::Lrn::forward(g, x.data(), y.data(), scale.data());
                }
            });
            report(state, work);
        });
#ifdef TESSERA_ONEDNN
        add_onednn(name + "onednn", work, [=] { return bench::OneDnnLayer(g, backward); });
#endif
    });
}

void add_max_pool(const std::string& layer, Shape input, Shape output) {
    both_passes(layer, [=](const std::string& name, int batch, bool backward) {
        const PoolGeometry g{batch, input, output, {3, 3, 2}};
        const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
        const Work work = moving(4, inputs + 2 * outputs);
        add(name + "tessera", [=](State& state) {
            auto x = filled(inputs), y = filled(outputs);
            Buffer<std::int32_t> argmax(outputs);
            Cpu::MaxPool::forward(g, x.data(), y.data(), argmax.data());
            time(state, [&] {
                if (backward) {
                    Cpu::MaxPool::backward(g, argmax.data(), y.data(), x.data());
                } else {
                    Cpu::MaxPool::forward(g, x.data(), y.data(), argmax.data());
                }
            });
            report(state, work);
        });
#ifdef TESSERA_ONEDNN
        add_onednn(name + "onednn", work, [=] { return bench::OneDnnLayer(g, backward); });
#endif
    });
}

void add_average_pool(const std::string& layer, Shape input, Shape output) {
    both_passes(layer, [=](const std::string& name, int batch, bool backward) {
        const PoolGeometry g{batch, input, output, {3, 3, 2}};
        const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
        add(name + "tessera", [=](State& state) {
            auto x = filled(inputs), y = filled(outputs);
            time(state, [&] {
                if (backward) {
                    Cpu::AveragePool::backward(g, y.data(), x.data());
                } else {
                    Cpu::AveragePool::forward(g, x.data(), y.data());
                }
            });
            report(state, moving(4, inputs + outputs));
        });
    });
}

void add_relu(const std::string& layer, Shape shape) {
    both_passes(layer, [=](const std::string& name, int batch, bool backward) {
        const Index n = batch * shape.size();
        const Work work = moving(backward ? 12 : 8, n);
        add(name + "tessera", [=](State& state) {
            auto x = filled(n), y = filled(n), dx = filled(n);
            time(state, [&] {
                if (backward) {
                    Cpu::Relu::backward(n, y.data(), x.data(), dx.data());
                } else {
                    Cpu::Relu::forward(n, x.data(), y.data());
                }
            });
            report(state, work);
        });
#ifdef TESSERA_ONEDNN
        add_onednn(name + "onednn", work,
                   [=] { return bench::OneDnnLayer::relu(batch, shape, backward); });
#endif
    });
}

void add_softmax(const std::string& layer, int channels) {
    both_passes(layer, [=](const std::string& name, int batch, bool backward) {
        const Index n = batch * Index{channels};
        const Work work = moving(backward ? 12 : 8, n);
        add(name + "tessera", [=](State& state) {
            auto x = filled(n), y = filled(n), dx = filled(n);
            time(state, [&] {
                if (backward) {
                    Cpu::Softmax::backward(batch, channels, y.data(), x.data(), dx.data());
                } else {
                    Cpu::Softmax::forward(batch, channels, x.data(), y.data());
                }
            });
            report(state, work);
        });
#ifdef TESSERA_ONEDNN
        add_onednn(name + "onednn", work,
                   [=] { return bench::OneDnnLayer::softmax(batch, channels, backward); });
#endif
    });
}

/// The mask is a byte for each number.
void add_dropout(const std::string& layer, Index width) {
    both_passes(layer, [=](const std::string& name, int batch, bool backward) {
        const Index n = batch * width;
        add(name + "tessera", [=](State& state) {
            auto x = filled(n), y = filled(n);
            Buffer<std::uint8_t> mask(n);
            Cpu::Dropout::forward(n, 0.5, {}, x.data(), y.data(), mask.data());
            time(state, [&] {
                if (backward) {
                    Cpu::Dropout::backward(n, 0.5, mask.data(), x.data(), y.data());
                } else {
                    Cpu::Dropout::forward(n, 0.5, {}, x.data(), y.data(), mask.data());
                }
            });
            report(state, moving(9, n));
        });
    });
}

/// Weights, velocity and gradient are read and written.
void add_update(const std::string& layer, Index weights) {
    add(layer + "/update/1/tessera", [=](State& state) {
        auto w = filled(weights), velocity = filled(weights), gradient = filled(weights);
        const UpdatePiece<float, 1> piece{.count = weights,
                                          .gradient = gradient.data(),
                                          .state = {velocity.data()},
                                          .weights = w.data()};
        time(state, [&] { Cpu::Update::sgd(std::span(&piece, 1), SgdStep{.decay = 5e-4}); });
        report(state, moving(24, weights));
    });
}

// ---- what products have copied ----

/// Columns as ProductConv makes and adds them, a stretch of output rows at a time: every element is
/// read and written.
void add_columns(const std::string& layer, const ConvGeometry& of_one) {
    both_passes(layer, [=](const std::string& name, int batch, bool backward) {
        ConvGeometry g = of_one;
        g.batch = batch;
        const Index row_size = g.output.width * g.depth(), height = g.output.height;
        add(name + "tessera", [=](State& state) {
            using Memory = cpu::detail::ConvMemory<float, cpu::TiledProduct>;
            const Index stretch = Memory::column_count(g) / row_size;
            auto x = filled(g.batch * g.input.size());
            auto columns = filled(Cpu::threads() * stretch * row_size);
            const auto move_image = [&](Index image, float* own) {
                const Index past = (image + 1) * height;
                for (Index row = image * height; row < past; row += stretch) {
                    const cpu::Range rows{row, std::min(row + stretch, past)};
                    if (!backward) {
                        cpu::image_to_columns(g, 0, rows, {0, g.depth()}, x.data(), own);
                        continue;
                    }
                    for (Index iy = 0; iy < g.input.height; ++iy) {
                        cpu::add_columns_to_row(g, 0, rows, own, image, iy, x.data());
                    }
                }
            };
            time(state, [&] {
                cpu::parallel_for(g.batch, Cpu::threads(), [&](Index begin, Index end, int thread) {
                    float* own = columns.data() + thread * stretch * row_size;
                    for (Index image = begin; image < end; ++image) move_image(image, own);
                });
            });
            report(state, moving(backward ? 12 : 8, g.batch * height * row_size));
        });
    });
}

/// The gradient of a linear layer's input, which comes from the product transposed.
void add_transpose(const std::string& layer, Index inputs) {
    for (const int batch : {16, 128}) {
        const std::string name = layer + "/data/" + std::to_string(batch) + "/";
        add(name + "tessera", [=](State& state) {
            auto from = filled(inputs * batch), to = filled(inputs * batch);
            time(state, [&] {
                cpu::parallel_for(inputs / 64, Cpu::threads(), [&](Index begin, Index end, int) {
                    cpu::transpose(from.data() + begin * 64 * batch, batch, (end - begin) * 64,
                                   Index{batch}, to.data() + begin * 64, inputs);
                });
            });
            report(state, moving(8, inputs * batch));
        });
#ifdef TESSERA_ONEDNN
        add_onednn(name + "onednn", moving(8, inputs * batch),
                   [=] { return bench::OneDnnCopy::transpose(inputs, batch); });
#endif
    }
}

/// What learns in float, as the products of a network in bfloat16 take it.
void add_narrowing(const std::string& layer, Index numbers) {
    add(layer + "/forward/1/tessera", [=](State& state) {
        auto x = filled(numbers);
        auto y = filled<Bf16>(numbers);
        time(state, [&] { Cpu::Narrow::forward(numbers, x.data(), y.data()); });
        report(state, moving(6, numbers));
    });
#ifdef TESSERA_ONEDNN
    add_onednn(layer + "/forward/1/onednn", moving(6, numbers),
               [=] { return bench::OneDnnCopy::narrow(numbers); });
#endif
}

/// A factor of a product in panels, a thread packing some of them; `Scalar` is float or Bf16.
template <class Scalar>
void add_panels(const std::string& layer, Index depth, Index columns) {
    add(layer + "/forward/1/tessera", [=](State& state) {
        using Packed = cpu::Factor<Scalar>;
        const Index width = cpu::panel_columns<Packed>(),
                    distance = cpu::factors<Scalar>(depth) * width;
        auto weights = filled<Scalar>(depth * columns);
        Buffer<Packed> panels(cpu::panels_size<Packed>(cpu::factors<Scalar>(depth), columns));
        time(state, [&] {
            cpu::parallel_for(columns / width, Cpu::threads(), [&](Index begin, Index end, int) {
                cpu::pack_panels(cpu::Matrix<Scalar>{weights.data(), columns}, 0, depth,
                                 begin * width, (end - begin) * width,
                                 panels.data() + begin * distance, distance);
            });
        });
        report(state, moving(2 * sizeof(Scalar), depth * columns));
    });
}

/// Lines of an image with zeros beside them, on one thread.
void add_lines(const std::string& layer, const ConvGeometry& of_one) {
    add(layer + "/forward/1/tessera", [=](State& state) {
        const Index height = of_one.input.height, channels = of_one.input.channels;
        auto image = filled(of_one.input.size());
        auto lines = filled(height * cpu::Lines(of_one).width * channels);
        time(state, [&] {
            cpu::copy_lines(of_one, image.data(), {0, height}, {0, channels}, lines.data());
        });
        report(state, moving(8, of_one.input.size()));
    });
}

/// A tile of Winograd's convolution to its positions and, backward, from there to outputs, on one
/// thread.
void add_tile(const std::string& layer, Index channels) {
    constexpr int side = cpu::tile_outputs;
    add(layer + "/forward/1/tessera", [=](State& state) {
        auto tile = filled(cpu::tile_positions * channels), to = filled(tile.size());
        const float* pixels[cpu::tile_positions];
        for (int i = 0; i < cpu::tile_positions; ++i) pixels[i] = tile.data() + i * channels;
        time(state, [&] {
            cpu::spread<cpu::detail::InputStep>(
                {.pixels = pixels, .channels = channels, .to = to.data(), .distance = channels});
        });
        report(state, moving(8, tile.size()));
    });
    add(layer + "/backward/1/tessera", [=](State& state) {
        auto positions = filled(cpu::tile_positions * channels);
        auto to = filled(side * side * channels);
        time(state, [&] {
            cpu::gather<cpu::detail::OutputStep>({.from = positions.data(),
                                                  .distance = channels,
                                                  .channels = channels,
                                                  .to = to.data(),
                                                  .line = side * channels,
                                                  .pixel = channels,
                                                  .rows = side,
                                                  .columns = side});
        });
        report(state, moving(4, positions.size() + to.size()));
    });
}

/// The gradient of a bias, on one thread.
void add_column_sums(const std::string& layer, Index rows, Index columns) {
    add(layer + "/weights/1/tessera", [=](State& state) {
        auto gradient = filled(rows * columns), sums = filled(columns);
        time(state,
             [&] { cpu::add_column_sums(rows, columns, gradient.data(), columns, sums.data()); });
        report(state, moving(4, rows * columns));
    });
}

/// Softmax, the cross entropy and its gradient in one.
void add_loss(const std::string& layer, int classes) {
    for (const int batch : {16, 128}) {
        add(layer + "/backward/" + std::to_string(batch) + "/tessera", [=](State& state) {
            auto x = filled(Index{batch} * classes), dx = filled(Index{batch} * classes);
            const std::vector<std::int32_t> labels(static_cast<std::size_t>(batch));
            std::vector<double> losses(labels.size());
            time(state, [&] {
                cpu::Loss::softmax_cross_entropy(batch, classes, x.data(), labels.data(), nullptr,
                                                 1.0 / batch, losses.data(), dx.data());
            });
            report(state, moving(8, Index{batch} * classes));
        });
    }
}

// ---- ceilings ----

/// 268 MB, more than caches hold.
constexpr Index beyond_caches = Index{1} << 26;

void add_ceilings() {
    add("ceiling/multiply_add", [](State& state) {
        double flops = 0;
        time(state, [&] { flops = bench::multiply_add(); });
        report(state, {flops, 0});
    });
    add("ceiling/read", [](State& state) {
        auto x = filled(beyond_caches);
        time(state, [&] { bench::read(x.data(), beyond_caches); });
        report(state, moving(4, beyond_caches));
    });
    add("ceiling/read_and_write", [](State& state) {
        auto x = filled(beyond_caches);
        float factor = 2;
        time(state, [&] { bench::read_and_write(x.data(), beyond_caches, factor = 1 / factor); });
        report(state, moving(8, beyond_caches));
    });
}

[[maybe_unused]] const bool registered = [] {
#ifdef TESSERA_ONEDNN
    const dnnl_version_t& version = *dnnl_version();
    benchmark::AddCustomContext("onednn", std::to_string(version.major) + "." +
                                              std::to_string(version.minor) + "." +
                                              std::to_string(version.patch));
#endif
    const SlidingWindow three{3, 3, 1, 1, 1}, five{5, 5, 1, 2, 2};
    add_ceilings();
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
    add_narrow_convolution("C1", {0, {3, 224, 224}, {96, 55, 55}, {11, 11, 4}});
    add_narrow_convolution("C2", {0, {96, 27, 27}, {256, 27, 27}, five, 2});
    add_narrow_convolution("C3", {0, {256, 13, 13}, {384, 13, 13}, three});
    add_narrow_convolution("C4", {0, {384, 13, 13}, {384, 13, 13}, three, 2});
    add_narrow_convolution("C5", {0, {384, 13, 13}, {256, 13, 13}, three, 2});
    add_narrow<Cpu::Linear>("FC6", LinearGeometry{0, 9216, 4096}, 9216, Index{9216} * 4096, 4096,
                            Index{9216} * 4096);
    add_lrn("lrn1", {96, 55, 55});
    add_lrn("lrn2", {256, 27, 27});
    add_max_pool("max_pool1", {96, 55, 55}, {96, 27, 27});
    add_max_pool("max_pool2", {256, 27, 27}, {256, 13, 13});
    add_average_pool("average_pool1", {96, 55, 55}, {96, 27, 27});
    add_relu("relu1", {96, 55, 55});
    add_relu("relu2", {256, 27, 27});
    add_softmax("softmax", 1000);
    add_dropout("dropout6", 4096);
    add_update("FC6", 9216 * 4096);
    add_columns("columns2", {0, {96, 27, 27}, {256, 27, 27}, five});
    add_columns("columns6", {0, {256, 10, 10}, {4096, 5, 5}, {6, 6}});
    add_transpose("transpose6", 9216);
    add_narrowing("narrow6", 9216 * 4096);
    add_panels<float>("panels2", 2400, 256);
    add_panels<Bf16>("panels2_bf16", 2400, 256);
    add_lines("lines3", {1, {256, 13, 13}, {384, 13, 13}, three});
    add_tile("tile3", 256);
    add_column_sums("column_sums1", 55 * 55, 96);
    add_loss("loss", 1000);
    return true;
}();

}  // namespace
