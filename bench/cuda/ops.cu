// SPDX-License-Identifier: MIT
// Every op of the CUDA backend on the geometries of AlexNet-2012, forward and back, in three
// arithmetics: milliseconds, rates, and per cent of what this device does at most, which is
// measured first.
#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>

#include "ceilings.cuh"
#include "op_lines.cuh"
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
it ran. Arrays hold random numbers and take turns where they fit the cache. Three arithmetics: "float32";
"tf32", floats with products on tensor cores, of which only the products are measured; "bfloat16",
activations and weights in bfloat16, and gradients and updates of the weights in float; and on a Hopper
"bfloat16_wgmma", the same with convolutions by its own instructions, of which only those are measured.
"conv2/forward_relu" is what a network runs: the product and the ReLU behind it in one; so are
"conv4/backward_data_relu" and "pool5/backward_relu", with the gradient of the ReLU before, and
"lrn1+max_pool1/forward", two layers in one.

  --arithmetic A float32, tf32, bfloat16 or bfloat16_wgmma (repeat for several; default: all)
  --batch N      batch (repeat for several; default: 128 and 512)
  --filter TEXT  only ops whose name holds TEXT, as in "conv2/forward"
  --quick        fewer and shorter runs
  --help         this text
)";

constexpr Shape input{3, 224, 224};
constexpr Index classes = 1000;

/// Measures the ops of one backend on elements of one type.
template <class Table, class Element>
class Ops : public OpLines {
public:
    using OpLines::OpLines;

    /// The convolutions, forward and back.
    void convolutions(int batch) {
        for (std::size_t i = 0; i < layers.size(); ++i) {
            const LayerInfo& info = layers[i];
            if (info.kind != "conv") continue;
            const ConvGeometry g{batch, info.input, info.output, info.window,
                                 info.parameters.items[0].groups};
            product<typename Table::Conv>(i, g);
        }
    }

    /// The fully connected layers, forward and back.
    void linears(int batch) {
        for (std::size_t i = 0; i < layers.size(); ++i) {
            const LayerInfo& info = layers[i];
            if (info.kind != "linear") continue;
            const LinearGeometry g{batch, info.input.size(), info.output.size()};
            product<typename Table::Linear>(i, g);
        }
    }

    /// The ops of the other layers, forward and back, and on shapes of AlexNet's those that it has
    /// not, or not as a layer.
    void others(int batch) {
        for (std::size_t i = 0; i < layers.size(); ++i) {
            if (like_an_earlier_one(i)) continue;
            const LayerInfo& info = layers[i];
            const std::string name = layer_label(layers, i);
            if (info.kind == "relu") {
                relu(name, info, batch);
            } else if (info.kind == "lrn") {
                lrn(name, info, batch);
            } else if (info.kind == "max_pool") {
                max_pool(i, batch);
            } else if (info.kind == "dropout") {
                dropout(i, batch);
            }
            if (is_pair(layers, i)) pair(i, batch);
        }
        average_pool(layers[static_cast<std::size_t>(find_layer(layers, "pool5"))], batch);
        softmax(batch);
        losses(batch);
        crops(batch);
    }

    void updates() {
        const Index n = parameter_count<models::AlexNet2012<>>(input);
        const double count = static_cast<double>(n);
        const std::string shape = text(n, " weights");
        run("sgd", 0, shape, update_work(count, element_bytes), [&](int sets) {
            return [=, g = Arrays<>(sets, n), v = Arrays<>(sets, n), w = Arrays<>(sets, n),
                    copy = Copy(sets, n)](int set) mutable {
                const UpdatePiece<float, 1> piece{n, g[set], {v[set]}, w[set], copy[set]};
                Table::Update::sgd(std::span(&piece, 1), {.rate = 1e-6});
            };
        });
        const double moved = update_work(count, element_bytes).bytes + 2 * gradient_bytes * count;
        run("adamw", 0, shape, {14 * count, moved}, [&](int sets) {
            return [=, g = Arrays<>(sets, n), m = Arrays<>(sets, n), v = Arrays<>(sets, n, 0),
                    w = Arrays<>(sets, n), copy = Copy(sets, n)](int set) mutable {
                const UpdatePiece<float, 2> piece{n, g[set], {m[set], v[set]}, w[set], copy[set]};
                Table::Update::adamw(std::span(&piece, 1), {.rate = 1e-6});
            };
        });
    }

private:
    static constexpr double element_bytes = sizeof(Element);
    static constexpr auto layers = describe<models::AlexNet2012<>>(input, sizeof(Element));

    /// No working copies of weights.
    struct NoCopy {
        NoCopy(int, Index) {}
        Bf16* operator[](int) const { return nullptr; }
    };
    using Copy = std::conditional_t<std::is_same_v<Element, Bf16>, Arrays<Bf16>, NoCopy>;
    using Array = Arrays<Element>;

    /// A layer without parameters like an earlier one takes as long.
    static bool like_an_earlier_one(std::size_t i) {
        return std::any_of(layers.begin(), layers.begin() + static_cast<std::ptrdiff_t>(i),
                           [&](const LayerInfo& before) {
                               return before.kind == layers[i].kind &&
                                      before.input == layers[i].input;
                           });
    }
    static Work forward(const LayerInfo& info, int batch, bool training = true) {
        return forward_work(info, batch, training, element_bytes);
    }
    static Work backward(const LayerInfo& info, int batch) {
        return backward_data_work(info, batch, element_bytes);
    }

    static Work backward_at(std::size_t i, int batch) {
        return backward_data_work_at(layers, i, batch, element_bytes);
    }
    /// Whether layer i takes the gradient of the ReLU before it.
    static bool takes_relu(std::size_t i) { return i > 0 && backward_doer(layers, i - 1) == i; }

    template <class Op, class Geometry>
    void product(std::size_t i, const Geometry& g) {
        const LayerInfo& info = layers[i];
        const std::string name = layer_label(layers, i);
        const int batch = g.batch;
        const Index inputs = batch * info.input.size(), outputs = batch * info.output.size();
        const Index weights = info.parameters.items[0].count(), biases = info.output.channels;
        const auto bytes = static_cast<Index>(Op::template scratch_bytes<Element>(g, 1));
        Buffer<std::byte, DeviceMemory> memory(bytes);
        const Scratch scratch{memory.data(), static_cast<std::size_t>(bytes), 1};
        const auto run_forward = [&](const char* pass, const Work& work, bool rectify) {
            run_product(name + pass, batch, words(info), work, [&](int sets) {
                return [=, x = Array(sets, inputs), w = Array(sets, weights),
                        b = Array(sets, biases), y = Array(sets, outputs)](int set) mutable {
                    Op::forward(g, x[set], w[set], b[set], y[set], scratch, rectify);
                };
            });
        };
        run_forward("/forward", forward(info, batch), false);
        if (forward_doer(layers, i + 1) == i) {
            run_forward("/forward_relu", forward_work_at(layers, i, batch, element_bytes), true);
        }
        run_product(name + "/backward_data", batch, words(info), backward(info, batch),
                    [&](int sets) {
                        return [=, w = Array(sets, weights), dy = Array(sets, outputs),
                                dx = Array(sets, inputs)](int set) mutable {
                            Op::backward_data(g, w[set], dy[set], dx[set], scratch);
                        };
                    });
        if constexpr (requires { Op::takes_relu_gradient; }) {
            if (takes_relu(i)) {
                run_product(name + "/backward_data_relu", batch, words(info), backward_at(i, batch),
                            [&](int sets) {
                                return [=, w = Array(sets, weights), dy = Array(sets, outputs),
                                        x = Array(sets, inputs),
                                        dx = Array(sets, inputs)](int set) mutable {
                                    Op::backward_data(g, w[set], dy[set], dx[set], scratch, x[set]);
                                };
                            });
            }
        }
        run_product(name + "/backward_parameters", batch, words(info),
                    backward_parameters_work(info, batch, element_bytes), [&](int sets) {
                        return [=, x = Array(sets, inputs), dy = Array(sets, outputs),
                                dw = Arrays<>(sets, weights),
                                db = Arrays<>(sets, biases)](int set) mutable {
                            Op::backward_parameters(g, x[set], dy[set], dw[set], db[set], scratch);
                        };
                    });
    }

    void relu(const std::string& name, const LayerInfo& info, int batch) {
        const Index n = batch * info.input.size();
        run(name + "/forward", batch, words(info), forward(info, batch), [&](int sets) {
            return [=, x = Array(sets, n), y = Array(sets, n)](int set) mutable {
                Table::Relu::forward(n, x[set], y[set]);
            };
        });
        run(name + "/backward", batch, words(info), backward(info, batch), [&](int sets) {
            return [=, y = Array(sets, n), dy = Array(sets, n), dx = Array(sets, n)](
                       int set) mutable { Table::Relu::backward(n, y[set], dy[set], dx[set]); };
        });
    }

    void lrn(const std::string& name, const LayerInfo& info, int batch) {
        const LrnGeometry g{batch, info.input, 5, 1e-4 / 5, 0.75, 2};
        const Index n = batch * info.input.size();
        run(name + "/inference", batch, words(info), forward(info, batch, false), [&](int sets) {
            return [=, x = Array(sets, n), y = Array(sets, n)](int set) mutable {
                Table::Lrn::forward(g, x[set], y[set], nullptr);
            };
        });
        run(name + "/forward", batch, words(info), forward(info, batch), [&](int sets) {
            return [=, x = Array(sets, n), y = Array(sets, n), scale = Array(sets, n)](
                       int set) mutable { Table::Lrn::forward(g, x[set], y[set], scale[set]); };
        });
        run(name + "/backward", batch, words(info), backward(info, batch), [&](int sets) {
            return [=, x = Array(sets, n), y = Array(sets, n), scale = Array(sets, n, 2, 3),
                    dy = Array(sets, n), dx = Array(sets, n)](int set) mutable {
                Table::Lrn::backward(g, x[set], y[set], scale[set], dy[set], dx[set]);
            };
        });
    }

    void max_pool(std::size_t i, int batch) {
        const LayerInfo& info = layers[i];
        const std::string name = layer_label(layers, i);
        const PoolGeometry g{batch, info.input, info.output, info.window};
        const Index inputs = batch * info.input.size(), outputs = batch * info.output.size();
        run(name + "/inference", batch, words(info), forward(info, batch, false), [&](int sets) {
            return [=, x = Array(sets, inputs), y = Array(sets, outputs)](int set) mutable {
                Table::MaxPool::forward(g, x[set], y[set], nullptr);
            };
        });
        run(name + "/forward", batch, words(info), forward(info, batch), [&](int sets) {
            return [=, x = Array(sets, inputs), y = Array(sets, outputs),
                    argmax = Arrays<std::int32_t>(sets, outputs)](int set) mutable {
                Table::MaxPool::forward(g, x[set], y[set], argmax[set]);
            };
        });
        const auto run_backward = [&](const char* pass, const Work& work, bool rectifies) {
            run(name + pass, batch, words(info), work, [&](int sets) {
                Array x(sets, inputs), dy(sets, outputs), dx(sets, inputs);
                Arrays<std::int32_t> argmax(sets, outputs);
                for (int set = 0; set < sets; ++set) {
                    Table::MaxPool::forward(g, x[set], dy[set], argmax[set]);
                }
                return [=, argmax = std::move(argmax), dy = std::move(dy), x = std::move(x),
                        dx = std::move(dx)](int set) mutable {
                    Table::MaxPool::backward(g, argmax[set], dy[set], dx[set],
                                             rectifies ? x[set] : nullptr);
                };
            });
        };
        run_backward("/backward", backward(info, batch), false);
        if (takes_relu(i)) run_backward("/backward_relu", backward_at(i, batch), true);
    }

    /// Normalisation and the maximum behind it, and back the gradient of the ReLU before.
    void pair(std::size_t i, int batch) {
        const LayerInfo &first = layers[i], &second = layers[i + 1];
        const std::string name = layer_label(layers, i) + "+" + layer_label(layers, i + 1);
        const LrnGeometry lrn{batch, first.input, 5, 1e-4 / 5, 0.75, 2};
        const PoolGeometry g{batch, second.input, second.output, second.window};
        const Index inputs = batch * first.input.size(), outputs = batch * second.output.size();
        const Work work = forward_work_at(layers, i, batch, element_bytes);
        run(name + "/forward", batch, words(second), work, [&](int sets) {
            return [=, x = Array(sets, inputs), y = Array(sets, outputs),
                    places = Arrays<std::uint8_t>(sets, outputs)](int set) mutable {
                Table::LrnMaxPool::forward(lrn, g, x[set], y[set], places[set]);
            };
        });
        run(name + "/backward_relu", batch, words(second), backward_at(i, batch), [&](int sets) {
            return [=, x = Array(sets, inputs), dy = Array(sets, outputs),
                    places = Arrays<std::uint8_t>(sets, outputs, 0, 9),
                    dx = Array(sets, inputs)](int set) mutable {
                Table::LrnMaxPool::backward(lrn, g, x[set], places[set], dy[set], dx[set], x[set]);
            };
        });
    }

    void average_pool(const LayerInfo& info, int batch) {
        const PoolGeometry g{batch, info.input, info.output, info.window};
        const Index inputs = batch * info.input.size(), outputs = batch * info.output.size();
        const double moved = element_bytes * static_cast<double>(inputs + outputs);
        const Work work{info.flops * batch, moved};
        run("average_pool/forward", batch, words(info), work, [&](int sets) {
            return [=, x = Array(sets, inputs), y = Array(sets, outputs)](int set) mutable {
                Table::AveragePool::forward(g, x[set], y[set]);
            };
        });
        run("average_pool/backward", batch, words(info), work, [&](int sets) {
            return [=, dy = Array(sets, outputs), dx = Array(sets, inputs)](int set) mutable {
                Table::AveragePool::backward(g, dy[set], dx[set]);
            };
        });
    }

    void dropout(std::size_t i, int batch) {
        const LayerInfo& info = layers[i];
        const std::string name = layer_label(layers, i);
        const Index n = batch * info.input.size();
        const Stream stream{.seed = 1, .purpose = Purpose::dropout};
        run(name + "/forward", batch, words(info), forward(info, batch), [&](int sets) {
            return [=, x = Array(sets, n), y = Array(sets, n),
                    mask = Arrays<std::uint8_t>(sets, n)](int set) mutable {
                Table::Dropout::forward(n, 0.5, stream, x[set], y[set], mask[set]);
            };
        });
        const auto run_backward = [&](const char* pass, const Work& work, bool rectifies) {
            run(name + pass, batch, words(info), work, [&](int sets) {
                return [=, mask = Arrays<std::uint8_t>(sets, n, 0, 2), dy = Array(sets, n),
                        x = Array(sets, n), dx = Array(sets, n)](int set) mutable {
                    Table::Dropout::backward(n, 0.5, mask[set], dy[set], dx[set],
                                             rectifies ? x[set] : nullptr);
                };
            });
        };
        run_backward("/backward", backward(info, batch), false);
        if (takes_relu(i)) run_backward("/backward_relu", backward_at(i, batch), true);
    }

    void softmax(int batch) {
        const Index n = batch * classes;
        const double count = static_cast<double>(n);
        const std::string shape = text(batch, " rows of ", classes);
        run("softmax/forward", batch, shape, {13 * count, 2 * element_bytes * count},
            [&](int sets) {
                return [=, x = Array(sets, n), y = Array(sets, n)](int set) mutable {
                    Table::Softmax::forward(batch, classes, x[set], y[set]);
                };
            });
        run("softmax/backward", batch, shape, {4 * count, 3 * element_bytes * count},
            [&](int sets) {
                return [=, y = Array(sets, n, 0, 1), dy = Array(sets, n),
                        dx = Array(sets, n)](int set) mutable {
                    Table::Softmax::backward(batch, classes, y[set], dy[set], dx[set]);
                };
            });
    }

    /// With the gradient.
    void losses(int batch) {
        const Index n = batch * classes;
        const double count = static_cast<double>(n), scale = 1.0 / batch;
        const std::string shape = text(batch, " rows of ", classes);
        run("softmax_cross_entropy", batch, shape, {26 * count, 2 * element_bytes * count},
            [&](int sets) {
                return [=, x = Array(sets, n), dx = Array(sets, n),
                        labels = Arrays<std::int32_t>(sets, batch, 0, classes),
                        sums = Arrays<double>(sets, batch)](int set) mutable {
                    Table::Loss::softmax_cross_entropy(batch, classes, x[set], labels[set], nullptr,
                                                       scale, sums[set], dx[set]);
                };
            });
        run("multi_label_logistic", batch, shape, {35 * count, (2 * element_bytes + 1) * count},
            [&](int sets) {
                return [=, x = Array(sets, n), dx = Array(sets, n),
                        signs = Arrays<std::int8_t>(sets, n, -1.9F, 1.9F),
                        sums = Arrays<double>(sets, batch)](int set) mutable {
                    Table::Loss::multi_label_logistic(batch, classes, x[set], signs[set], scale,
                                                      sums[set], dx[set]);
                };
            });
        run("squared_error", batch, shape, {5 * count, 3 * element_bytes * count}, [&](int sets) {
            return [=, x = Array(sets, n), target = Array(sets, n), dx = Array(sets, n),
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
            "crops", batch, text("256 x 256 to ", input),
            {2 * numbers, (1 + element_bytes) * numbers},
            [&](int sets) {
                return [=, writer = cuda::CropWriter(Normaliser({123, 117, 104}, 1), 3),
                        pixels = Arrays<std::uint8_t>(sets, bytes, 0, 255),
                        samples = Array(sets, batch * input.size())](int set) mutable {
                    writer.write(pixels[set], bytes, all,
                                 View<Element, DeviceMemory>{samples[set], batch, input});
                };
            },
            Way::plain);
    }
};

enum class Part { convolutions, products, all };

template <class Table, class Element, Part Measured>
void measure_ops(const Options& options, const Ceilings& ceilings, const char* arithmetic,
                 double product_rate) {
    if (!options.wants_arithmetic(arithmetic)) return;
    Ops<Table, Element> ops(options, ceilings, arithmetic, product_rate);
    for (const int batch : options.batches) {
        ops.convolutions(batch);
        if constexpr (Measured >= Part::products) ops.linears(batch);
        if constexpr (Measured == Part::all) ops.others(batch);
    }
    if constexpr (Measured == Part::all) ops.updates();
}

}  // namespace

int main(int argc, char** argv) try {
    Options options = read_options(argc, argv, usage);
    if (options.batches.empty()) options.batches = {128, 512};
    print_machine("bench_cuda_ops");
    const Ceilings ceilings = measure_ceilings(options.quick);
    measure_ops<Cuda, float, Part::all>(options, ceilings, "float32", ceilings.float32);
    measure_ops<CudaTf32, float, Part::products>(options, ceilings, "tf32", ceilings.tf32);
    measure_ops<Cuda, Bf16, Part::all>(options, ceilings, "bfloat16", ceilings.bfloat16);
#ifdef TESSERA_BENCH_HOPPER
    if (cuda::has_wgmma()) {
        measure_ops<CudaHopper, Bf16, Part::convolutions>(options, ceilings, "bfloat16_wgmma",
                                                          ceilings.bfloat16);
    }
#endif
    Line().add("what", "end").add("program", "bench_cuda_ops").add("clocks", clocks_now()).print();
} catch (const std::exception& error) {
    std::fprintf(stderr, "bench_cuda_ops: %s\n", error.what());
    return 1;
}
