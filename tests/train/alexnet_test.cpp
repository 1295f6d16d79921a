// SPDX-License-Identifier: MIT
// The 2012 network learns four pictures by heart.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/models/alexnet.hpp"
#include "tessera/train/initialise.hpp"
#include "tessera/train/trainer.hpp"

using namespace tessera;

TEST_CASE("three steps of the 2012 network over four random pictures bring its loss down") {
    constexpr Shape image{3, 224, 224};
    Model<models::AlexNet2012<>, image, Cpu> model;
    initialise(model, He{}, 1);
    Random random({.seed = 2, .purpose = Purpose::generate});
    std::vector<float> pictures(static_cast<std::size_t>(4 * image.size()));
    for (float& pixel : pictures) pixel = random.uniform(-1, 1);
    const std::vector<std::int32_t> labels{3, 141, 592, 999};
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 0.001}, {.batch = 4});
    double loss = HUGE_VAL;
    for (int step = 0; step < 3; ++step) {
        const double next = trainer.step({pictures.data(), 4, image}, labels);
        CHECK(next < loss);
        loss = next;
    }
    CHECK(trainer.scores().shape == Shape{1000, 1, 1});
    CHECK(loss > 0);
}
