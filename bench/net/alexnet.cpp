// SPDX-License-Identifier: MIT
// AlexNet-2012 at full size: ten training steps and a forward pass, the memory they take beside the
// memory planned, images per second and GFLOP/s. With a folder of classes (train/<class>/*) on real
// pictures, else on noise (folder ""). With "eigen" the products are Eigen's, with "bf16" the
// network is one of Bf16. Prints one JSON object.
//
//   bench_net_alexnet [batch] [folder] [eigen | bf16]
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "program/images.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/cpu/eigen.hpp"
#include "tessera/models/alexnet.hpp"
#include "tessera/train/initialise.hpp"
#include "tessera/train/trainer.hpp"

using namespace tessera;

namespace {

constexpr Shape input{3, 224, 224};
using Net = models::AlexNet2012<>;
constexpr int steps = 10;

/// The largest resident set so far, in bytes.
double peak_bytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) * 1024;
}

struct Pictures {
    Buffer<float> pixels;
    std::vector<std::int32_t> labels;
    View<const float> batch(int n, int size) const {
        return {pixels.data() + n * size * input.size(), size, input};
    }
};

Pictures read_pictures(const std::string& folder, int count) {
    Pictures pictures{Buffer<float>(count * input.size()),
                      std::vector<std::int32_t>(static_cast<std::size_t>(count))};
    Random random({.seed = 1, .purpose = Purpose::shuffle});
    if (folder.empty()) {
        for (float& value : pictures.pixels) value = random.uniform(-120, 120);
        for (auto& label : pictures.labels) label = static_cast<std::int32_t>(random.below(1000));
        return pictures;
    }
    const ImageSet set = read_image_folder(folder + "/train");
    const Normaliser normaliser(std::vector<float>{123, 117, 104}, 1);
    for (int n = 0; n < count; ++n) {
        const auto& item = set.items[random.below(static_cast<std::uint32_t>(set.items.size()))];
        const Image image = program::read_square(item.path, 256);
        normaliser.write(image, centre_window({256, 256}, {224, 224}), {224, 224},
                         pictures.pixels.data() + n * input.size());
        pictures.labels[static_cast<std::size_t>(n)] = item.label;
    }
    return pictures;
}

template <class Backend, class Scalar = float>
void measure(int batch, const Pictures& pictures) {
    const double before = peak_bytes();
    Model<Net, input, Backend, Scalar> model;
    initialise(model, Krizhevsky{.positive_bias = 0.1}, 1);
    std::string losses;
    double training_seconds = 0, planned = static_cast<double>(model.parameters().bytes());
    {
        Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 0.01}, {.batch = batch});
        planned += static_cast<double>(trainer.bytes());
        for (int n = 0; n < steps; ++n) {
            const auto start = program::Clock::now();
            const double loss = trainer.step(
                pictures.batch(n, batch),
                std::span(pictures.labels)
                    .subspan(static_cast<std::size_t>(n * batch), static_cast<std::size_t>(batch)));
            if (n > 0) training_seconds += program::seconds_since(start);
            losses += (n ? ", " : "") + text(loss);
        }
    }
    const double measured = peak_bytes() - before;

    auto workspace = model.workspace(batch);
    model.forward(workspace, pictures.batch(0, batch));
    const auto start = program::Clock::now();
    for (int n = 0; n < 3; ++n) model.forward(workspace, pictures.batch(n, batch));
    const double forward_seconds = program::seconds_since(start) / 3;
    const double step_seconds = training_seconds / (steps - 1);
    const double gflop = flops<Net>(input) * batch * 1e-9;
    std::printf(
        "{\"batch\": %d, \"threads\": %d, \"planned_mb\": %.1f, \"measured_mb\": %.1f, "
        "\"measured_over_planned\": %.4f, \"training_images_per_second\": %.1f, "
        "\"training_gflops_per_second\": %.0f, \"forward_images_per_second\": %.1f, "
        "\"forward_gflops_per_second\": %.0f, \"losses\": [%s]}\n",
        batch, Cpu::threads(), planned * 1e-6, measured * 1e-6, measured / planned,
        batch / step_seconds, 3 * gflop / step_seconds, batch / forward_seconds,
        gflop / forward_seconds, losses.c_str());
}

}  // namespace

int main(int argc, char** argv) try {
    const int batch = argc > 1 ? std::atoi(argv[1]) : 128;
    const Pictures pictures = read_pictures(argc > 2 ? argv[2] : "", batch * steps);
    const std::string how = argc > 3 ? argv[3] : "";
    how == "eigen"  ? measure<CpuEigen>(batch, pictures)
    : how == "bf16" ? measure<Cpu, Bf16>(batch, pictures)
                    : measure<Cpu>(batch, pictures);
} catch (const std::exception& error) {
    std::fprintf(stderr, "bench_net_alexnet: %s\n", error.what());
    return 1;
}
