// SPDX-License-Identifier: MIT
// The cost of a program that runs AlexNet.
#include <vector>

#include <tessera/backend/cpu/cpu.hpp>
#include <tessera/models/alexnet.hpp>
#include <tessera/net/model.hpp>

using namespace tessera;

int main() {
    const Model<models::AlexNet2012<>, Shape{3, 224, 224}, Cpu> model;
    auto workspace = model.workspace(1);
    const std::vector<float> image(static_cast<std::size_t>(model.input.size()));
    return model.forward(workspace, {image.data(), 1, model.input}).data[0] > 0;
}
