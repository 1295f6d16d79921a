// SPDX-License-Identifier: MIT
// Models on CudaHopper: what they do on Cuda, but for the order of sums.
#include <doctest/doctest.h>

#include <vector>

#include "tessera/cuda.hpp"
#include "train/toy.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

using Net = Seq<Conv<16, 3, Pad<1>>, ReLU, Conv<48, 3, Pad<1>, Groups<2>>, ReLU, MaxPool<2>,
                Conv<32, 3>, ReLU, Linear<4>>;

/// The losses of some steps, from the same weights on.
template <class Table>
std::vector<double> losses() {
    Model<Net, toy_image, Table, Bf16> model;
    initialise(model, He{}, 3);
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 0.02}, {.batch = 8});
    const ToyData data = toy_data(48);
    std::vector<double> found;
    for (int first = 0; first < data.size(); first += 8) {
        found.push_back(trainer.step(data.view(first, 8), data.targets(first, 8)));
    }
    return found;
}

}  // namespace

TEST_CASE("a network of Bf16 learns on CudaHopper as on Cuda") {
    const auto found = losses<CudaHopper>(), expected = losses<Cuda>();
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(found[i] == doctest::Approx(expected[i]).epsilon(0.01));
    }
    CHECK(found.back() < found.front());
}
