// SPDX-License-Identifier: MIT
// Two layers that are one op of Cuda do what they do as two.
#include <doctest/doctest.h>

#include "cuda/training_step.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/net/surgery.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

/// Normalisation and maximum are two ops.
struct ApartCuda : Cuda {
private:
    using LrnMaxPool = void;
};
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

TEST_CASE_TEMPLATE("normalisation and maximum are one op of Cuda", Scalar, float, Bf16) {
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
    // The last normalisation stands before what is no pair with it.
    using First = Seq<ReLU, Lrn<Alpha<1>>, MaxPool<2>, ReLU, Lrn<>, GlobalMaxPool, Linear<2>>;
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
    const auto model = random_model<Pairs, image, Cuda, float>();
    const auto plain = random_model<Pairs, image, ApartCuda, float>();
    const auto info = describe<Pairs>(image)[2];
    const Index between = info.output.size() * Index{sizeof(float)};
    // Two activations, the scale and a gradient are not there on the way back.
    CHECK(model.training_workspace(8).bytes() + 2 * 8 * between <
          plain.training_workspace(8).bytes());
    CHECK(model.workspace(8).bytes() <= plain.workspace(8).bytes());
}
