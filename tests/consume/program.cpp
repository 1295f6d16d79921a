// SPDX-License-Identifier: MIT
// What a user of the library writes; built in several ways by consume.py.
#if __has_include("tessera.hpp")
#include "tessera.hpp"
#else
#include <tessera/tessera.hpp>
#endif

#include <cstdio>
#include <vector>

using namespace tessera;

using Net = Seq<Conv<4, 3, Pad<1>>, ReLU, MaxPool<2, Stride<2>>, Linear<3>, Softmax>;

int main() {
    Model<Net, Shape{3, 8, 8}, Cpu> model;
    initialise(model, He{}, 1);
    auto workspace = model.workspace(2);
    const std::vector<float> images(static_cast<std::size_t>(2 * model.input.size()), 0.5f);
    const View<const float> scores = model.forward(workspace, {images.data(), 2, model.input});

    float sum = 0;  // of two rows of probabilities
    for (int i = 0; i < 6; ++i) sum += scores.data[i];
    std::printf("tessera %s: %d samples, probabilities add up to %.3f\n", version, scores.batch,
                static_cast<double>(sum));
    return sum > 1.999f && sum < 2.001f ? 0 : 1;
}
