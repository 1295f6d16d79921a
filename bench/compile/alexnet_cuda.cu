// SPDX-License-Identifier: MIT
// The cost of a program that runs and trains AlexNet on a GPU.
#include <cstdint>
#include <vector>

#include <tessera/backend/cuda/cuda.cuh>
#include <tessera/models/alexnet.hpp>
#include <tessera/net/model.hpp>
#include <tessera/train/initialise.hpp>
#include <tessera/train/loss.hpp>
#include <tessera/train/optimizer.hpp>
#include <tessera/train/trainer.hpp>

using namespace tessera;

int main() {
    Model<models::AlexNet2012<>, Shape{3, 224, 224}, Cuda> model;
    initialise(model, Krizhevsky{}, 1);
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{}, {.batch = 2});
    const std::vector<float> images(2 * static_cast<std::size_t>(model.input.size()), 1.0f);
    const std::vector<std::int32_t> labels{3, 7};
    auto workspace = model.workspace(1);
    const auto scores = to_host(model.forward(workspace, {images.data(), 1, model.input}));
    return trainer.step({images.data(), 2, model.input}, labels) < scores[0];
}
