// SPDX-License-Identifier: MIT
// AlexNet-2012 on the GPU in three arithmetics: training steps and inference, as they are launched
// and as a recording that is replayed, and the times of the layers within a step. With --predict
// what is expected of them, which needs no GPU.
#include <cstdint>
#include <span>
#include <vector>

#include "ceilings.cuh"
#include "prediction.hpp"
#include "tessera/cuda.hpp"
#include "tessera/models/alexnet.hpp"
#include "tessera/train/initialise.hpp"
#include "tessera/train/trainer.hpp"
#include "timed.cuh"

namespace {

using namespace tessera;
using namespace bench;

constexpr const char* usage = R"(usage: bench_cuda_net [options]

Measures AlexNet-2012 (224 x 224, 1000 classes) on the GPU at hand and prints one JSON object a line:

  "what": "net"    a pass over a batch: "inference"; "training" (forward, loss, backward, update, all
                   on the device); "trainer" (a step of Trainer, which waits for its loss); each as
                   launched ("way": "plain") and recorded ("graph"), Trainer by its option
  "what": "layer"  one op of a layer within a training step, beside its prediction; a layer that is
                   done in the op of another has 0 ms, and "done_by" says in whose

In three arithmetics: "float32"; "tf32" (floats, but products on tensor cores); "bfloat16" (activations
and the working copy of the weights in bfloat16, which learn in float); and on a Hopper "bfloat16_wgmma",
the same with convolutions by its own instructions. Input and labels lie on the device, images hold random
numbers. The first line says on what it ran.

  --arithmetic A float32, tf32, bfloat16 or bfloat16_wgmma (repeat for several; default: all)
  --batch N      batch (repeat for several; default: 128, 512 and 1024)
  --filter TEXT  only nets whose "name/pass" holds TEXT, as in "inference"; "layers" for the layers
  --quick        fewer and shorter runs
  --predict      print the times expected at 4.3 TB/s, 60 TFLOP/s in float and 790 in bfloat16, as a
                 table (of batch 128 unless --batch), and measure nothing: needs no GPU
  --help         this text
)";

constexpr Shape input{3, 224, 224};
using Net = models::AlexNet2012<>;
constexpr int classes = 1000;

/// Small enough to stay finite, however often the same batch is learnt.
constexpr Sgd gentle{.rate = 1e-7};

/// A training step without a wait: what Trainer does but for the value of the loss.
template <class ModelType>
class Step {
public:
    using Table = typename ModelType::BackendType;
    using Element = typename ModelType::Element;

    Step(const ModelType& model, int batch)
        : model_(model),
          workspace_(model_.training_workspace(batch)),
          gradients_(model_.gradients()),
          velocity_(model_.gradients()),
          labels_(1, batch, 0, classes),
          losses_(batch) {
        auto& parameters = model_.parameters();
        for (int i = 0; i < ModelType::parameter_arrays; ++i) {
            const ParameterEntry& entry = parameters.entry(i);
            pieces_.push_back({entry.info.count(),
                               gradients_.data() + entry.offset,
                               {velocity_.data() + entry.offset},
                               parameters.learning(i)});
            if constexpr (std::is_same_v<Element, Bf16>) {
                pieces_.back().working = parameters.learning_copy(i);
            }
        }
    }

    void operator()(View<const Element, DeviceMemory> images) {
        const int batch = images.batch;
        const auto scores = model_.forward(workspace_, images, {.seed = 1});
        Table::Loss::softmax_cross_entropy(batch, classes, scores.data, labels_[0], nullptr,
                                           1.0 / batch, losses_.data(),
                                           workspace_.gradient(ModelType::depth).data);
        model_.backward(workspace_, gradients_);
        gentle.template advance<Table>(std::span<const Piece>(pieces_), 1);
    }
    Index bytes() const { return workspace_.bytes(); }

private:
    using Piece = UpdatePiece<float, 1>;

    ModelType model_;
    typename ModelType::Workspace workspace_;
    typename ModelType::Gradients gradients_, velocity_;
    std::vector<Piece> pieces_;
    Arrays<std::int32_t> labels_;
    Buffer<double, DeviceMemory> losses_;
};

/// Measures the network of elements `Element` on one backend, whose products run at `product_rate`
/// at most.
template <class Table, class Element>
class Nets {
public:
    using ModelType = Model<Net, input, Table, Element>;
    using Images = View<const Element, DeviceMemory>;

    Nets(const Options& options, const Ceilings& ceilings, const char* arithmetic,
         double product_rate)
        : options_(options),
          ceilings_(ceilings),
          arithmetic_(arithmetic),
          product_rate_(product_rate) {
        initialise(model_, Krizhevsky{.positive_bias = 0.1}, 1);
    }

    void measure_all(int batch) {
        Arrays<Element> pixels(1, batch * input.size(), -120, 120);
        const Images images{pixels[0], batch, input};
        if (wants("inference")) inference(images);
        if (wants("training")) training(images);
        if (wants("trainer")) trainer(images);
        if (wants("layers")) times_of_layers(images);
    }

private:
    bool wants(const std::string& pass) const { return options_.wants("alexnet2012/" + pass); }

    void inference(Images images) {
        auto workspace = model_.workspace(images.batch);
        const double flop = flops<Net>(input) * images.batch;
        for (const Way way : {Way::plain, Way::recorded}) {
            const Timing timing =
                measure([&](int) { model_.forward(workspace, images); }, 1, options_.quick, way);
            report("inference", name_of(way), images.batch, timing, flop, workspace.bytes());
        }
    }

    void training(Images images) {
        Step<ModelType> step(model_, images.batch);
        for (const Way way : {Way::plain, Way::recorded}) {
            const Timing timing = measure([&](int) { step(images); }, 1, options_.quick, way);
            report("training", name_of(way), images.batch, timing, training_flops(images.batch),
                   step.bytes());
        }
    }

    void trainer(Images images) {
        std::vector<std::int32_t> labels(static_cast<std::size_t>(images.batch));
        for (std::size_t n = 0; n < labels.size(); ++n) {
            labels[n] = static_cast<std::int32_t>(n % classes);
        }
        for (const Way way : {Way::plain, Way::recorded}) {
            Trainer trainer(model_, SoftmaxCrossEntropy{}, gentle,
                            {.batch = images.batch, .record = way == Way::recorded});
            const Timing timing =
                measure([&](int) { trainer.step(images, labels); }, 1, options_.quick, Way::plain);
            report("trainer", name_of(way), images.batch, timing, training_flops(images.batch),
                   trainer.bytes());
        }
    }

    static double training_flops(int batch) {
        double sum = 0;
        for (std::size_t i = 0; i < layers.size(); ++i) {
            sum += forward_work_at(layers, i, batch, element_bytes).flops;
            sum += backward_parameters_work(layers[i], batch, element_bytes).flops;
            if (i > 0) sum += backward_data_work_at(layers, i, batch, element_bytes).flops;
        }
        return sum;
    }

    void report(const char* pass, const char* way, int batch, const Timing& timing, double flop,
                Index bytes) {
        const double seconds = timing.ms * 1e-3;
        Line()
            .add("what", "net")
            .add("program", "tessera")
            .add("name", "alexnet2012")
            .add("pass", pass)
            .add("way", way)
            .add("arithmetic", arithmetic_)
            .add("batch", batch)
            .add("ms", timing.ms)
            .add("ms_low", timing.low)
            .add("ms_high", timing.high)
            .add("runs", timing.runs)
            .add("images_per_s", batch / seconds)
            .add("tflop_per_s", flop / seconds * 1e-12)
            .add("percent_of_product", 100 * flop / seconds / product_rate_)
            .add("workspace_mb", static_cast<double>(bytes) * 1e-6)
            .add("clocks", clocks_now())
            .print();
    }

    /// The same parameters under a backend that puts events around each op.
    void times_of_layers(Images images) {
        using TimedModel = Model<Net, input, Timed<Table>, Element>;
        Step<TimedModel> step(TimedModel(model_), images.batch);
        Tape& tape = Tape::own();
        std::vector<std::vector<double>> times;
        std::vector<const char*> passes;
        for (int turn = 0; turn < (options_.quick ? 4 : 12); ++turn) {
            tape.clear();
            // The processor is ahead from here on: the time between events is the device's.
            cuda::launch("delay", 1, 1, Delay{10'000'000});
            step(images);
            DeviceMemory::synchronize();
            if (turn == 0) continue;  // warm
            times.resize(tape.calls().size());
            passes.clear();
            for (std::size_t i = 0; i < times.size(); ++i) {
                times[i].push_back(tape.calls()[i].ms());
                passes.push_back(tape.calls()[i].pass);
            }
        }
        report_layers(images.batch, passes, times);
    }

    /// Ops come in the order of the layers, then of the layers backwards; updates are added up.
    /// What an op does for other layers is in its time.
    void report_layers(int batch, const std::vector<const char*>& passes,
                       const std::vector<std::vector<double>>& times) {
        std::size_t layer = 0;
        std::vector<double> update;
        for (std::size_t i = 0; i < passes.size(); ++i) {
            const std::string pass = passes[i];
            if (pass == "forward") {
                require(layer < layers.size(), "bench_cuda_net: more ops than layers");
                report_layer(layer, pass, batch, times[i],
                             forward_work_at(layers, layer, batch, element_bytes));
                while (++layer < layers.size() && forward_doer(layers, layer) != layer) {
                    report_done(layer, "forward", batch, forward_doer(layers, layer));
                }
            } else if (pass == "backward_parameters" || pass == "backward") {
                require(layer > 0, "bench_cuda_net: more ops back than layers");
                for (--layer; backward_doer(layers, layer) != layer; --layer) {
                    report_done(layer, "backward", batch, backward_doer(layers, layer));
                }
                report_layer(layer, pass, batch, times[i],
                             pass == "backward"
                                 ? backward_data_work_at(layers, layer, batch, element_bytes)
                                 : backward_parameters_work(layers[layer], batch, element_bytes));
            } else if (pass == "backward_data") {
                report_layer(layer, pass, batch, times[i],
                             backward_data_work_at(layers, layer, batch, element_bytes));
            } else if (pass == "loss") {
                require(layer == layers.size(), "bench_cuda_net: ops of ", layer, " layers, not ",
                        layers.size());
                const double count = static_cast<double>(batch) * classes;
                report_times("loss", pass, batch, times[i], {26 * count, 2 * element_bytes * count},
                             ceilings_.float32);
            } else {
                update.resize(times[i].size());
                for (std::size_t n = 0; n < update.size(); ++n) update[n] += times[i][n];
            }
        }
        const double parameters = static_cast<double>(parameter_count<Net>(input));
        report_times("update", "update", batch, update, update_work(parameters, element_bytes),
                     ceilings_.float32);
    }

    void report_layer(std::size_t i, const std::string& pass, int batch,
                      const std::vector<double>& times, const Work& work) {
        report_times(layer_label(layers, i), pass, batch, times, work,
                     is_product(layers[i]) ? product_rate_ : ceilings_.float32);
    }

    void report_times(const std::string& name, const std::string& pass, int batch,
                      const std::vector<double>& times, const Work& work, double flop_rate) {
        Line line = layer_line(name, pass, batch);
        add_rates(line, summarise(times), work, flop_rate, ceilings_.copy).print();
    }

    /// A layer that is done in the op of another.
    void report_done(std::size_t i, const std::string& pass, int batch, std::size_t doer) {
        layer_line(layer_label(layers, i), pass, batch)
            .add("ms", 0)
            .add("predicted_ms", 0)
            .add("done_by", layer_label(layers, doer))
            .print();
    }

    Line layer_line(const std::string& name, const std::string& pass, int batch) const {
        Line line;
        line.add("what", "layer")
            .add("program", "tessera")
            .add("name", name)
            .add("pass", pass)
            .add("arithmetic", arithmetic_)
            .add("batch", batch);
        return line;
    }

    static constexpr double element_bytes = sizeof(Element);
    static constexpr auto layers = describe<Net>(input, sizeof(Element));
    Options options_;
    Ceilings ceilings_;
    const char* arithmetic_;
    double product_rate_;
    ModelType model_;
};

template <class Table, class Element>
void measure_nets(const Options& options, const Ceilings& ceilings, const char* arithmetic,
                  double product_rate) {
    if (!options.wants_arithmetic(arithmetic)) return;
    Nets<Table, Element> nets(options, ceilings, arithmetic, product_rate);
    for (const int batch : options.batches) nets.measure_all(batch);
}

}  // namespace

int main(int argc, char** argv) try {
    Options options = read_options(argc, argv, usage);
    if (options.predict) {
        if (options.batches.empty()) options.batches = {128};
        for (const int batch : options.batches) print_prediction<Net>(input, batch, Ceilings{});
        return 0;
    }
    if (options.batches.empty()) options.batches = {128, 512, 1024};
    print_machine("bench_cuda_net");
    const Ceilings ceilings = measure_ceilings(true);
    measure_nets<Cuda, float>(options, ceilings, "float32", ceilings.float32);
    measure_nets<CudaTf32, float>(options, ceilings, "tf32", ceilings.tf32);
    measure_nets<Cuda, Bf16>(options, ceilings, "bfloat16", ceilings.bfloat16);
#ifdef TESSERA_BENCH_HOPPER
    if (cuda::has_wgmma()) {
        measure_nets<CudaHopper, Bf16>(options, ceilings, "bfloat16_wgmma", ceilings.bfloat16);
    }
#endif
    Line().add("what", "end").add("program", "bench_cuda_net").add("clocks", clocks_now()).print();
} catch (const std::exception& error) {
    std::fprintf(stderr, "bench_cuda_net: %s\n", error.what());
    return 1;
}
