// SPDX-License-Identifier: MIT
// Every op of the CUDA backend on the geometries of AlexNet-2012, forward and back: milliseconds,
// rates, and per cent of what this device does at most, which is measured first.
#include <cstdint>

#include "ceilings.cuh"
#include "tessera/cuda.hpp"
#include "tessera/models/alexnet.hpp"

namespace {

using namespace tessera;
using namespace bench;

constexpr const char* usage = R"(usage: bench_cuda_ops [options]

Measures the ceilings of the GPU at hand (copy, products by cuBLASLt), then every op of the CUDA
backend on AlexNet-2012's geometries, and prints one JSON object a line: what it is, milliseconds
(the median of some runs; a tenth of them took less than ms_low, a tenth more than ms_high), rates,
per cent of the ceilings, and the time predicted from FLOPs and bytes. The first line says on what
it ran. Arrays hold random numbers and take turns where they fit the cache.

  --batch N      batch (repeat for several; default: 128 and 512)
  --filter TEXT  only ops whose name holds TEXT, as in "conv2/forward"
  --quick        fewer and shorter runs
  --help         this text
)";

constexpr Shape input{3, 224, 224};
constexpr auto layers = describe<models::AlexNet2012<>>(input);

/// Measures the ops of one backend, whose products run at `product_rate` at most.
template <class Table>
class Ops {
public:
    Ops(const Options& options, const Ceilings& ceilings, const char* arithmetic,
        double product_rate)
        : options_(options),
          ceilings_(ceilings),
          arithmetic_(arithmetic),
          product_rate_(product_rate) {}

    /// The op of a layer, forward and back.
    void layer(std::size_t i, int batch) {
        const LayerInfo& info = layers[i];
        const std::string name = layer_label(layers, i);
        if (info.kind == "conv") {
            const ConvGeometry g{batch, info.input, info.output, info.window,
                                 info.parameters.items[0].groups};
            products<typename Table::Conv>(name, info, g);
        } else if (info.kind == "linear") {
            const LinearGeometry g{batch, info.input.size(), info.output.size()};
            products<typename Table::Linear>(name, info, g);
        } else if (info.kind == "relu") {
            relu(name, info, batch);
        } else if (info.kind == "lrn") {
            lrn(name, info, batch);
        } else if (info.kind == "max_pool") {
            max_pool(name, info, batch);
        } else if (info.kind == "dropout") {
            dropout(name, info, batch);
        }
    }

    /// What AlexNet has not, or not as a layer: on shapes that it has.
    void others(int batch) {
        average_pool(layers[static_cast<std::size_t>(find_layer(layers, "pool5"))], batch);
        softmax(batch);
        losses(batch);
        crops(batch);
    }

    void updates() {
        const Index n = parameter_count<models::AlexNet2012<>>(input);
        const double count = static_cast<double>(n);
        const std::string shape = text(n, " weights");
        run("sgd", 0, shape, update_work(count), [&](int sets) {
            return [=, g = Arrays<>(sets, n), v = Arrays<>(sets, n),
                    w = Arrays<>(sets, n)](int set) mutable {
                Table::Update::sgd(n, {.rate = 1e-6}, g[set], v[set], w[set]);
            };
        });
        run("adamw", 0, shape, {14 * count, 28 * count}, [&](int sets) {
            return [=, g = Arrays<>(sets, n), m = Arrays<>(sets, n), v = Arrays<>(sets, n, 0),
                    w = Arrays<>(sets, n)](int set) mutable {
                Table::Update::adamw(n, {.rate = 1e-6}, g[set], m[set], v[set], w[set]);
            };
        });
    }

private:
    /// make(sets) gives the call to measure, with arrays for so many sets.
    template <class Make>
    void run(const std::string& name, int batch, const std::string& geometry, const Work& work,
             const Make& make, Way way = Way::recorded, bool product = false) {
        if (!options_.wants(name)) return;
        const int sets = sets_for(work.bytes);
        auto call = make(sets);
        const Timing timing = measure(call, sets, options_.quick, way);
        Line line;
        line.add("what", "op")
            .add("program", "tessera")
            .add("name", name)
            .add("arithmetic", arithmetic_)
            .add("batch", batch)
            .add("geometry", geometry)
            .add("sets", sets);
        add_rates(line, timing, work, product ? product_rate_ : ceilings_.float32, ceilings_.copy)
            .print();
    }

    static std::string words(const LayerInfo& info) {
        const SlidingWindow& w = info.window;
        std::string all = text(info.input, " to ", info.output);
        if (info.kind == "conv" || info.kind == "max_pool") {
            all += text(", window ", w.height, ", stride ", w.stride);
        }
        if (info.kind == "conv" && info.parameters.items[0].groups > 1) {
            all += text(", ", info.parameters.items[0].groups, " groups");
        }
        return all;
    }

    template <class Op, class Geometry>
    void products(const std::string& name, const LayerInfo& info, const Geometry& g) {
        const int batch = g.batch;
        const Index inputs = batch * info.input.size(), outputs = batch * info.output.size();
        const Index weights = info.parameters.items[0].count(), biases = info.output.channels;
        const auto bytes = static_cast<Index>(Op::template scratch_bytes<float>(g, 1));
        Buffer<std::byte, DeviceMemory> memory(bytes);
        const Scratch scratch{memory.data(), static_cast<std::size_t>(bytes), 1};
        run(
            name + "/forward", batch, words(info), forward_work(info, batch, true),
            [&](int sets) {
                return [=, x = Arrays<>(sets, inputs), w = Arrays<>(sets, weights),
                        b = Arrays<>(sets, biases), y = Arrays<>(sets, outputs)](int set) mutable {
                    Op::forward(g, x[set], w[set], b[set], y[set], scratch);
                };
            },
            Way::recorded, true);
        run(
            name + "/backward_data", batch, words(info), backward_data_work(info, batch),
            [&](int sets) {
                return [=, w = Arrays<>(sets, weights), dy = Arrays<>(sets, outputs),
                        dx = Arrays<>(sets, inputs)](int set) mutable {
                    Op::backward_data(g, w[set], dy[set], dx[set], scratch);
                };
            },
            Way::recorded, true);
        run(
            name + "/backward_parameters", batch, words(info),
            backward_parameters_work(info, batch),
            [&](int sets) {
                return
                    [=, x = Arrays<>(sets, inputs), dy = Arrays<>(sets, outputs),
                     dw = Arrays<>(sets, weights), db = Arrays<>(sets, biases)](int set) mutable {
                        Op::backward_parameters(g, x[set], dy[set], dw[set], db[set], scratch);
                    };
            },
            Way::recorded, true);
    }

    void relu(const std::string& name, const LayerInfo& info, int batch) {
        const Index n = batch * info.input.size();
        run(name + "/forward", batch, words(info), forward_work(info, batch, true), [&](int sets) {
            return [=, x = Arrays<>(sets, n), y = Arrays<>(sets, n)](int set) mutable {
                Table::Relu::forward(n, x[set], y[set]);
            };
        });
        run(name + "/backward", batch, words(info), backward_data_work(info, batch), [&](int sets) {
            return [=, y = Arrays<>(sets, n), dy = Arrays<>(sets, n), dx = Arrays<>(sets, n)](
                       int set) mutable { Table::Relu::backward(n, y[set], dy[set], dx[set]); };
        });
    }

    void lrn(const std::string& name, const LayerInfo& info, int batch) {
        const LrnGeometry g{batch, info.input, 5, 1e-4 / 5, 0.75, 2};
        const Index n = batch * info.input.size();
        run(name + "/inference", batch, words(info), forward_work(info, batch, false),
            [&](int sets) {
                return [=, x = Arrays<>(sets, n), y = Arrays<>(sets, n)](int set) mutable {
                    Table::Lrn::forward(g, x[set], y[set], nullptr);
                };
            });
        run(name + "/forward", batch, words(info), forward_work(info, batch, true), [&](int sets) {
            return [=, x = Arrays<>(sets, n), y = Arrays<>(sets, n), scale = Arrays<>(sets, n)](
                       int set) mutable { Table::Lrn::forward(g, x[set], y[set], scale[set]); };
        });
        run(name + "/backward", batch, words(info), backward_data_work(info, batch), [&](int sets) {
            return
                [=, x = Arrays<>(sets, n), y = Arrays<>(sets, n), scale = Arrays<>(sets, n, 2, 3),
                 dy = Arrays<>(sets, n), dx = Arrays<>(sets, n)](int set) mutable {
                    Table::Lrn::backward(g, x[set], y[set], scale[set], dy[set], dx[set]);
                };
        });
    }

    void max_pool(const std::string& name, const LayerInfo& info, int batch) {
        const PoolGeometry g{batch, info.input, info.output, info.window};
        const Index inputs = batch * info.input.size(), outputs = batch * info.output.size();
        run(name + "/inference", batch, words(info), forward_work(info, batch, false),
            [&](int sets) {
                return
                    [=, x = Arrays<>(sets, inputs), y = Arrays<>(sets, outputs)](int set) mutable {
                        Table::MaxPool::forward(g, x[set], y[set], nullptr);
                    };
            });
        run(name + "/forward", batch, words(info), forward_work(info, batch, true), [&](int sets) {
            return [=, x = Arrays<>(sets, inputs), y = Arrays<>(sets, outputs),
                    argmax = Arrays<std::int32_t>(sets, outputs)](int set) mutable {
                Table::MaxPool::forward(g, x[set], y[set], argmax[set]);
            };
        });
        run(name + "/backward", batch, words(info), backward_data_work(info, batch), [&](int sets) {
            Arrays<> x(sets, inputs), dy(sets, outputs);
            Arrays<std::int32_t> argmax(sets, outputs);
            for (int set = 0; set < sets; ++set) {
                Table::MaxPool::forward(g, x[set], dy[set], argmax[set]);
            }
            return [=, argmax = std::move(argmax), dy = std::move(dy),
                    dx = std::move(x)](int set) mutable {
                Table::MaxPool::backward(g, argmax[set], dy[set], dx[set]);
            };
        });
    }

    void average_pool(const LayerInfo& info, int batch) {
        const PoolGeometry g{batch, info.input, info.output, info.window};
        const Index inputs = batch * info.input.size(), outputs = batch * info.output.size();
        const double moved = 4.0 * static_cast<double>(inputs + outputs);
        const Work work{info.flops * batch, moved};
        run("average_pool/forward", batch, words(info), work, [&](int sets) {
            return [=, x = Arrays<>(sets, inputs), y = Arrays<>(sets, outputs)](int set) mutable {
                Table::AveragePool::forward(g, x[set], y[set]);
            };
        });
        run("average_pool/backward", batch, words(info), work, [&](int sets) {
            return [=, dy = Arrays<>(sets, outputs), dx = Arrays<>(sets, inputs)](int set) mutable {
                Table::AveragePool::backward(g, dy[set], dx[set]);
            };
        });
    }

    void dropout(const std::string& name, const LayerInfo& info, int batch) {
        const Index n = batch * info.input.size();
        const Stream stream{.seed = 1, .purpose = Purpose::dropout};
        run(name + "/forward", batch, words(info), forward_work(info, batch, true), [&](int sets) {
            return [=, x = Arrays<>(sets, n), y = Arrays<>(sets, n),
                    mask = Arrays<std::uint8_t>(sets, n)](int set) mutable {
                Table::Dropout::forward(n, 0.5, stream, x[set], y[set], mask[set]);
            };
        });
        run(name + "/backward", batch, words(info), backward_data_work(info, batch), [&](int sets) {
            return [=, mask = Arrays<std::uint8_t>(sets, n, 0, 2), dy = Arrays<>(sets, n),
                    dx = Arrays<>(sets, n)](int set) mutable {
                Table::Dropout::backward(n, 0.5, mask[set], dy[set], dx[set]);
            };
        });
    }

    static constexpr Index classes = layers.back().output.channels;

    void softmax(int batch) {
        const Index n = batch * classes;
        const double count = static_cast<double>(n);
        const std::string shape = text(batch, " rows of ", classes);
        run("softmax/forward", batch, shape, {13 * count, 8 * count}, [&](int sets) {
            return [=, x = Arrays<>(sets, n), y = Arrays<>(sets, n)](int set) mutable {
                Table::Softmax::forward(batch, classes, x[set], y[set]);
            };
        });
        run("softmax/backward", batch, shape, {4 * count, 12 * count}, [&](int sets) {
            return [=, y = Arrays<>(sets, n, 0, 1), dy = Arrays<>(sets, n),
                    dx = Arrays<>(sets, n)](int set) mutable {
                Table::Softmax::backward(batch, classes, y[set], dy[set], dx[set]);
            };
        });
    }

    /// With the gradient.
    void losses(int batch) {
        const Index n = batch * classes;
        const double count = static_cast<double>(n), scale = 1.0 / batch;
        const std::string shape = text(batch, " rows of ", classes);
        run("softmax_cross_entropy", batch, shape, {26 * count, 8 * count}, [&](int sets) {
            return [=, x = Arrays<>(sets, n), dx = Arrays<>(sets, n),
                    labels = Arrays<std::int32_t>(sets, batch, 0, classes),
                    sums = Arrays<double>(sets, batch)](int set) mutable {
                Table::Loss::softmax_cross_entropy(batch, classes, x[set], labels[set], nullptr,
                                                   scale, sums[set], dx[set]);
            };
        });
        run("multi_label_logistic", batch, shape, {35 * count, 9 * count}, [&](int sets) {
            return [=, x = Arrays<>(sets, n), dx = Arrays<>(sets, n),
                    signs = Arrays<std::int8_t>(sets, n, -1.9F, 1.9F),
                    sums = Arrays<double>(sets, batch)](int set) mutable {
                Table::Loss::multi_label_logistic(batch, classes, x[set], signs[set], scale,
                                                  sums[set], dx[set]);
            };
        });
        run("squared_error", batch, shape, {5 * count, 12 * count}, [&](int sets) {
            return [=, x = Arrays<>(sets, n), target = Arrays<>(sets, n), dx = Arrays<>(sets, n),
                    sums = Arrays<double>(sets, batch)](int set) mutable {
                Table::Loss::squared_error(batch, classes, x[set], target[set], scale, sums[set],
                                           dx[set]);
            };
        });
    }

    /// From 256 x 256 photographs; the list of the crops comes from the host each time, so that
    /// nothing is recorded.
    void crops(int batch) {
        const Index side = 256, bytes = batch * side * side * input.channels;
        std::vector<cuda::Crop> all;
        for (int n = 0; n < batch; ++n) {
            all.push_back({.first = n * side * side * input.channels,
                           .width = 256,
                           .height = 256,
                           .window = {.left = n % 33, .top = n % 31, .mirrored = n % 2 == 1}});
        }
        const double numbers = static_cast<double>(batch * input.size());
        run(
            "crops", batch, text("256 x 256 to ", input), {2 * numbers, 5 * numbers},
            [&](int sets) {
                return [=, writer = cuda::CropWriter(Normaliser({123, 117, 104}, 1), 3),
                        pixels = Arrays<std::uint8_t>(sets, bytes, 0, 255),
                        samples = Arrays<>(sets, batch * input.size())](int set) mutable {
                    writer.write(pixels[set], bytes, all,
                                 View<float, DeviceMemory>{samples[set], batch, input});
                };
            },
            Way::plain);
    }

    Options options_;
    Ceilings ceilings_;
    const char* arithmetic_;
    double product_rate_;
};

}  // namespace

int main(int argc, char** argv) try {
    Options options = read_options(argc, argv, usage);
    if (options.batches.empty()) options.batches = {128, 512};
    print_machine("bench_cuda_ops");
    const Ceilings ceilings = measure_ceilings(options.quick);
    Ops<Cuda> ops(options, ceilings, "float32", ceilings.float32);
    for (const int batch : options.batches) {
        for (std::size_t i = 0; i < layers.size(); ++i) {
            // A layer like an earlier one takes as long.
            bool seen = false;
            for (std::size_t before = 0; before < i; ++before) {
                seen = seen || (layers[before].kind == layers[i].kind &&
                                layers[before].input == layers[i].input &&
                                layers[before].parameters.total() == 0);
            }
            if (!seen) ops.layer(i, batch);
        }
        ops.others(batch);
    }
    ops.updates();
    Line().add("what", "end").add("program", "bench_cuda_ops").add("clocks", clocks_now()).print();
} catch (const std::exception& error) {
    std::fprintf(stderr, "bench_cuda_ops: %s\n", error.what());
    return 1;
}
