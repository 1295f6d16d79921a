// SPDX-License-Identifier: MIT
// What layers do for the ReLU before them changes nothing of what a network computes.
#include <doctest/doctest.h>

#include "cuda/training_step.hpp"
#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/net/surgery.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

/// An op that leaves gradients of ReLUs to the ReLU.
template <class Op>
struct Alone : private Op {
    using Op::backward;
    using Op::forward;
};
template <class Op>
struct AloneConv : private Op {
    using Op::backward_data;
    using Op::backward_parameters;
    using Op::forward;
    using Op::scratch_bytes;
    using Op::takes_relu;
};

/// A backend whose ReLUs say how often they are asked for a gradient.
template <class Table>
struct Counting : Table {
    inline static int relu_gradients = 0;
    struct Relu : Table::Relu {
        template <class... Arguments>
        static void backward(Arguments... arguments) {
            ++relu_gradients;
            Table::Relu::backward(arguments...);
        }
    };
};

/// No op takes the gradient of the ReLU before it.
struct AloneCuda : Cuda {
    using Conv = AloneConv<Cuda::Conv>;
    using Lrn = Alone<Cuda::Lrn>;
    using MaxPool = Alone<Cuda::MaxPool>;
    using AveragePool = Alone<Cuda::AveragePool>;
    using Dropout = Alone<Cuda::Dropout>;
};
using Fused = Counting<Cuda>;
using Unfused = Counting<AloneCuda>;

/// The two backends give the same bits; ReLUs themselves are asked `left` times for a gradient, and
/// `relus` times where nothing is taken from them.
template <class Net, Shape Input, class Scalar>
void check_gradients_of_relus(int left, int relus, bool input_gradient = true) {
    for (const int batch : {1, 2, 7, 33}) {
        CAPTURE(batch);
        Fused::relu_gradients = Unfused::relu_gradients = 0;
        CHECK((training_step<Net, Input, Fused, Scalar>(batch, input_gradient) ==
               training_step<Net, Input, Unfused, Scalar>(batch, input_gradient)));
        CHECK(Fused::relu_gradients == left);
        CHECK(Unfused::relu_gradients == relus);
    }
}

}  // namespace

TEST_CASE_TEMPLATE("a ReLU's gradient is part of the layer behind it, to the bit", Scalar, float,
                   double, Bf16) {
    // Each layer that takes it, and Linear, which does not.
    using Net = Seq<Conv<16, 5, Stride<2>, Pad<0, 2>>, ReLU, Lrn<Alpha<1>>, AvgPool<2>,
                    Conv<12, 3, Pad<1>, Groups<2>>, Named<"relu2", ReLU>, AvgPool<2, Stride<1>>,
                    Conv<8, 3, Pad<1>>, Tapped<ReLU>, Conv<24, 2>, ReLU, MaxPool<2, Stride<1>>,
                    Linear<32>, ReLU, Dropout<>, Linear<16>, ReLU, Linear<10>>;
    check_gradients_of_relus<Net, Shape{3, 18, 19}, Scalar>(1, 6);
    check_gradients_of_relus<Net, Shape{3, 18, 19}, Scalar>(1, 6, false);
}

TEST_CASE("ReLUs at the begin and the end of a network, and in frozen parts") {
    using Scalar = float;
    constexpr Shape input{5, 6, 7};
    using First = Seq<ReLU, Conv<8, 3>, ReLU, ReLU, Dropout<20>, Linear<4>, ReLU>;
    check_gradients_of_relus<First, input, Scalar>(2, 4);
    check_gradients_of_relus<First, input, Scalar>(2, 3, false);
    // The trunk ends at a ReLU, or between a ReLU and what would take its gradient.
    using Trunk = Seq<Conv<8, 3>, ReLU, MaxPool<2>, Conv<8, 1>, ReLU>;
    using Frozen = Append<Freeze<Trunk>, Conv<16, 2, Pad<1>>, ReLU, MaxPool<2>, Linear<3>>;
    check_gradients_of_relus<Frozen, input, Scalar>(0, 1, false);
    check_gradients_of_relus<Frozen, input, Scalar>(0, 3);
    using FrozenPool = Append<Freeze<Trunk>, MaxPool<2>, Linear<3>, ReLU, Dropout<>>;
    check_gradients_of_relus<FrozenPool, input, Scalar>(0, 1, false);
    check_gradients_of_relus<FrozenPool, input, Scalar>(0, 3);
}
