// SPDX-License-Identifier: MIT
// What a user with a GPU writes; where there is none, it says so.
#include <cstdio>
#include <tessera/cuda.hpp>
#include <tessera/tessera.hpp>
#include <vector>

using namespace tessera;

using Net = Seq<Conv<8, 3, Pad<1>>, ReLU, MaxPool<2, Stride<2>>, Linear<3>, Softmax>;

int main() {
    try {
        Buffer<float, Cuda::Memory> probe(1);
    } catch (const Error& error) {
        std::printf("no GPU to run on: %s\n", error.what());
        return 0;
    }
    Model<Net, Shape{8, 8, 8}, Cuda, Bf16> model;
    initialise(model, He{}, 1);
    auto workspace = model.workspace(2);
    const std::vector<float> images(static_cast<std::size_t>(2 * model.input.size()), 0.5f);
    const auto scores = to_host(model.forward(workspace, {images.data(), 2, model.input}));
    float sum = 0;  // of two rows of probabilities
    for (int i = 0; i < 6; ++i) sum += scores[i];
    std::printf("probabilities add up to %.2f\n", static_cast<double>(sum));
    return sum > 1.97f && sum < 2.03f ? 0 : 1;
}
