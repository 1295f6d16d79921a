// SPDX-License-Identifier: MIT
// What the ops of Cuda do for their neighbours changes nothing of what a network computes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "layer/agreement.hpp"
#include "tessera/cuda.hpp"
#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
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

/// Everything a training step gives, in bytes.
struct Step {
    std::vector<std::byte> output, gradients, input_gradient;
    friend bool operator==(const Step&, const Step&) = default;
};

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& numbers) {
    const auto* data = reinterpret_cast<const std::byte*>(numbers.data());
    return {data, data + numbers.size() * sizeof(T)};
}

template <class Net, Shape Input, class Table, class Scalar>
Step training_step(int batch, bool input_gradient) {
    using ModelType = Model<Net, Input, Table, Scalar>;
    using Number = typename ModelType::Number;
    ModelType model;
    Random random({.seed = 3, .purpose = Purpose::sample});
    const auto fill = [&](auto numbers, float size) {
        for (auto& number : numbers) {
            number = std::remove_reference_t<decltype(number)>(random.uniform(-size, size));
        }
    };
    for (int i = 0; i < model.parameters().count(); ++i) {
        auto array = model.parameters().on_host(i);
        fill(array.span(),
             1 / std::sqrt(static_cast<float>(model.parameters().entry(i).info.fan_in())));
        array.store();
    }
    std::vector<Number> input(static_cast<std::size_t>(batch * Input.size()));
    fill(std::span(input), 1);
    auto workspace = model.workspace(batch, Mode::training, Input, input_gradient);
    workspace.fill(std::byte{0xFF});

    Step step;
    step.output = bytes_of(values(model.forward(workspace, {input.data(), batch, Input},
                                                {.seed = 5, .purpose = Purpose::dropout})));
    const auto slope = workspace.gradient(ModelType::depth);
    HostArray<Scalar, typename Table::Memory> dy(slope.data, slope.size());
    fill(dy.span(), 1);
    dy.store();
    auto gradients = model.gradients();
    model.backward(workspace, gradients);
    HostArray<Number, typename Table::Memory> found(gradients.data(), gradients.size());
    step.gradients = bytes_of(std::vector<Number>(found.span().begin(), found.span().end()));
    if (input_gradient) step.input_gradient = bytes_of(values(workspace.gradient(0)));
    return step;
}

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

TEST_CASE_TEMPLATE("ReLUs at the begin and the end of a network, and in frozen parts", Scalar,
                   float, Bf16) {
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
