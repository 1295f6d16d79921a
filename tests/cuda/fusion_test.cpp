// SPDX-License-Identifier: MIT
// What the ops of Cuda do for their neighbours changes nothing of what a network computes.
#include <doctest/doctest.h>

#include <algorithm>
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
/// Normalisation and maximum are two ops.
struct ApartCuda : Cuda {
private:
    using LrnMaxPool = void;
};
using Fused = Counting<Cuda>;
using Unfused = Counting<AloneCuda>;

/// Everything a training step gives.
struct Step {
    std::vector<double> output, gradients, input_gradient;
    friend bool operator==(const Step&, const Step&) = default;
};

template <class Numbers>
std::vector<double> wide(const Numbers& numbers) {
    return {numbers.begin(), numbers.end()};
}

/// The largest difference, relative to the largest number; infinite for a NaN.
double difference(const std::vector<double>& a, const std::vector<double>& b) {
    const std::vector<float> narrow(a.begin(), a.end());
    return a.empty() && b.empty() ? 0 : apart(narrow, b);
}
double difference(const Step& a, const Step& b) {
    return std::max({difference(a.output, b.output), difference(a.gradients, b.gradients),
                     difference(a.input_gradient, b.input_gradient)});
}

/// A model with random parameters, the same each time.
template <class Net, Shape Input, class Table, class Scalar>
auto random_model() {
    Model<Net, Input, Table, Scalar> model;
    Random random({.seed = 2, .purpose = Purpose::initialise});
    for (int i = 0; i < model.parameters().count(); ++i) {
        auto array = model.parameters().on_host(i);
        const auto fan_in = static_cast<float>(model.parameters().entry(i).info.fan_in());
        for (auto& number : array.span()) number = random.uniform(-1, 1) / std::sqrt(fan_in);
        array.store();
    }
    return model;
}

template <class Net, Shape Input, class Table, class Scalar>
Step training_step(int batch, bool input_gradient) {
    using ModelType = Model<Net, Input, Table, Scalar>;
    using Number = typename ModelType::Number;
    const auto model = random_model<Net, Input, Table, Scalar>();
    Random random({.seed = 3, .purpose = Purpose::sample});
    const auto fill = [&](auto numbers) {
        for (auto& number : numbers) {
            number = std::remove_reference_t<decltype(number)>(random.uniform(-1, 1));
        }
    };
    std::vector<Number> input(static_cast<std::size_t>(batch * Input.size()));
    fill(std::span(input));
    auto workspace = model.workspace(batch, Mode::training, Input, input_gradient);
    workspace.fill(std::byte{0xFF});

    Step step;
    step.output = wide(values(model.forward(workspace, {input.data(), batch, Input},
                                            {.seed = 5, .purpose = Purpose::dropout})));
    const auto slope = workspace.gradient(ModelType::depth);
    HostArray<Scalar, typename Table::Memory> dy(slope.data, slope.size());
    fill(dy.span());
    dy.store();
    auto gradients = model.gradients();
    model.backward(workspace, gradients);
    HostArray<Number, typename Table::Memory> found(gradients.data(), gradients.size());
    step.gradients = wide(found.span());
    if (input_gradient) step.input_gradient = wide(values(workspace.gradient(0)));
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

namespace {

template <class Net, Shape Input, class Scalar>
void check_pairs(double tolerance, bool input_gradient = true) {
    for (const int batch : {1, 2, 7, 33}) {
        CAPTURE(batch);
        const Step found = training_step<Net, Input, Cuda, Scalar>(batch, input_gradient);
        const Step expected = training_step<Net, Input, ApartCuda, Scalar>(batch, input_gradient);
        CHECK(difference(found.output, expected.output) < tolerance / 10);
        CHECK(difference(found, expected) < tolerance);
        CHECK(found.gradients.size() == expected.gradients.size());
    }
}

constexpr Shape image{3, 25, 22};
/// Like the begin of AlexNet's, then a pair of another kind, without ReLUs.
using Pairs =
    Seq<Conv<24, 5, Stride<2>, Pad<0, 2>>, ReLU, Named<"lrn", Lrn<Alpha<1>>>,
        MaxPool<3, Stride<2>, Ceil>, Conv<12, 3, Pad<1>>, ReLU, Dropout<20>,
        Lrn<Alpha<1>, Size<9>, Beta<1, 2>>, Named<"pool", MaxPool<2, Stride<1>>>, Linear<10>>;

}  // namespace

TEST_CASE_TEMPLATE("normalisation and maximum are one op of Cuda", Scalar, float, double, Bf16) {
    check_pairs<Pairs, image, Scalar>(std::is_same_v<Scalar, Bf16> ? 2e-2 : 1e-5);
    check_pairs<Pairs, image, Scalar>(std::is_same_v<Scalar, Bf16> ? 2e-2 : 1e-5, false);
}

TEST_CASE("pairs at the begin and the end of a network, and in frozen parts") {
    using Ends = Seq<Lrn<Alpha<1>>, MaxPool<2>, Conv<8, 3>, Lrn<Alpha<1>>, MaxPool<3>>;
    check_pairs<Ends, image, float>(1e-5);
    check_pairs<Ends, image, float>(1e-5, false);
    using Frozen =
        Append<Freeze<CutAfter<Pairs, "pool">>, Conv<8, 2>, Lrn<>, MaxPool<2>, Linear<2>>;
    check_pairs<Frozen, image, float>(1e-5);
    check_pairs<Frozen, image, float>(1e-5, false);
    using First = Seq<ReLU, Lrn<Alpha<1>>, MaxPool<2>, ReLU, Lrn<>, GlobalMaxPool, Linear<2>>;
    check_pairs<First, image, float>(1e-5);
    check_pairs<First, image, float>(1e-5, false);
    CHECK(disagreement<First, image, Cuda>(3) < 1e-5);
}

TEST_CASE("what is between a pair is there where a pass ends, and where it is tapped") {
    const auto model = random_model<Pairs, image, Cuda, float>();
    const auto plain = random_model<Pairs, image, ApartCuda, float>();
    const auto tapped = random_model<Tap<Pairs, "lrn">, image, Cuda, float>();
    std::vector<float> input(static_cast<std::size_t>(4 * image.size()), 0.5f);
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i % 7) - 3;
    const View<const float> x{input.data(), 4, image};
    for (const Mode mode : {Mode::inference, Mode::training}) {
        auto workspace = model.workspace(4, mode), apart = plain.workspace(4, mode);
        auto kept = tapped.workspace(4, mode);
        for (int count = 0; count <= model.depth; ++count) {
            workspace.fill(std::byte{0xFF});
            apart.fill(std::byte{0xFF});
            CHECK(difference(wide(values(model.forward_until(workspace, x, count))),
                             wide(values(plain.forward_until(apart, x, count)))) < 1e-6);
        }
        tapped.forward(kept, x);
        const auto expected = wide(values(plain.forward_until(apart, x, 3)));
        CHECK(difference(wide(values(std::as_const(kept).activation(3))), expected) < 1e-6);
    }
}

TEST_CASE("a pair needs no memory for what is between it") {
    const Model<Pairs, image, Cuda> model;
    const Model<Pairs, image, ApartCuda> plain;
    const auto info = describe<Pairs>(image)[2];
    const Index between = info.output.size() * Index{sizeof(float)};
    // Two activations, the scale and a gradient are not there on the way back.
    CHECK(model.training_workspace(8).bytes() + 2 * 8 * between <
          plain.training_workspace(8).bytes());
    CHECK(model.workspace(8).bytes() <= plain.workspace(8).bytes());
}
