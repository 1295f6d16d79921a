// SPDX-License-Identifier: MIT
// A pass allocates nothing after the first.
#include <doctest/doctest.h>

#include "allocations.hpp"
#include "net/random_model.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/layer/softmax.hpp"

using namespace tessera;

namespace {

/// All layers, large enough for threads to be worth their team.
using Net = Seq<Conv<32, 5, Stride<2>, Pad<0, 2>>, ReLU, Lrn<>, MaxPool<3, Stride<2>, Ceil>,
                Conv<32, 3, Pad<1>, Groups<2>, NoBias>, ReLU, AvgPool<2, Stride<1>>, Conv<24, 3>,
                ReLU, Dropout<20>, Linear<64>, ReLU, Dropout<>, Linear<10>, Softmax>;
using Pooled = Seq<Conv<16, 3>, ReLU, GlobalMaxPool, Linear<4>>;

template <class Pass>
long allocations_in(const Pass& pass) {
    pass();  // the first step may: threads, their buffers
    const long before = test::allocations;
    for (int step = 0; step < 5; ++step) pass();
    return test::allocations - before;
}

template <class Model>
void check_loops(int batch) {
    const auto model = test::random_model<Model>();
    const auto in = test::random_numbers(batch * Model::input.size());
    auto resting = model.workspace(batch);
    const View<const float> x{in.data(), batch, Model::input};
    CHECK(allocations_in([&] { model.forward(resting, x); }) == 0);

    auto workspace = model.training_workspace(batch);
    auto gradients = model.gradients();
    CHECK(allocations_in([&] {
              model.forward(workspace, x, {.purpose = Purpose::dropout});
              std::ranges::fill_n(workspace.gradient(Model::depth).data,
                                  workspace.gradient(Model::depth).size(), 1.0f);
              model.backward(workspace, gradients);
          }) == 0);
}

}  // namespace

TEST_CASE("a pass allocates nothing after the first, in training and at inference") {
    test::check_that_allocations_are_counted();
    check_loops<Model<Net, Shape{3, 40, 36}, Cpu>>(1);
    check_loops<Model<Net, Shape{3, 40, 36}, Cpu>>(9);
    check_loops<Model<Pooled, Shape{3, 30, 30}, Cpu>>(16);
}
