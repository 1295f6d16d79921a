// SPDX-License-Identifier: MIT
#include "tessera/net/workspace.hpp"

#include <doctest/doctest.h>

#include "net/random_model.hpp"
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/surgery.hpp"

using namespace tessera;

namespace {

constexpr Shape input{3, 9, 8};
using Net =
    Seq<Dropout<10>, ReLU, Conv<8, 3>, Dropout<10>, ReLU, Lrn<Alpha<1>>, ReLU, Dropout<>,
        Conv<5, 2>, Lrn<>, Conv<4, 1>, ReLU, MaxPool<2>, Linear<6>, Dropout<20>, Dropout<20>>;

template <class Net>
struct TappedEverywhere;
template <class... Layers>
struct TappedEverywhere<Seq<Layers...>> {
    using type = Seq<Tapped<Layers>...>;
};

template <class Net>
using OnReference = Model<Net, input, Reference>;

}  // namespace

TEST_CASE("working in place gives what working beside gives") {
    // Every output tapped: nothing may lie where anything else lay.
    const auto model = test::random_model<OnReference<Net>>();
    const auto apart = test::random_model<OnReference<TappedEverywhere<Net>::type>>();
    auto workspace = model.training_workspace(3);
    auto roomy = apart.training_workspace(3);
    CHECK(workspace.bytes() < roomy.bytes());
    CHECK(test::training_step(model, workspace, 3) == test::training_step(apart, roomy, 3));

    auto resting = model.workspace(3);
    auto resting_apart = apart.workspace(3);
    const auto in = test::random_numbers(3 * input.size());
    CHECK(test::numbers(model.forward(resting, {in.data(), 3, input})) ==
          test::numbers(apart.forward(resting_apart, {in.data(), 3, input})));
}

TEST_CASE("a tapped output stays readable after a pass, forward or back") {
    using Watched = Tap<Net, 2>;
    const auto model = test::random_model<OnReference<Watched>>();
    const auto front = test::random_model<OnReference<CutAfter<Net, 2>>>();
    const auto in = test::random_numbers(2 * input.size());

    auto expected = front.workspace(2);
    const auto features = test::numbers(front.forward(expected, {in.data(), 2, input}));
    auto workspace = model.workspace(2);
    model.forward(workspace, {in.data(), 2, input});
    CHECK(std::as_const(workspace).activation(3).shape == Shape{8, 7, 6});
    CHECK(test::numbers(std::as_const(workspace).activation(3)) == features);

    auto training = model.training_workspace(2);
    test::training_step(model, training, 2);
    auto expected_training = front.training_workspace(2);
    CHECK(test::numbers(std::as_const(training).activation(3)) ==
          test::training_step(front, expected_training, 2).output);
}

TEST_CASE("a workspace is one allocation of the planned size and the ops' working memory") {
    const OnReference<Net> model;
    for (const int batch : {1, 5}) {
        const auto workspace = model.training_workspace(batch);
        CHECK(workspace.bytes() == plan<Net>(input, {.mode = Mode::training}).arena_bytes(batch) +
                                       aligned(static_cast<Index>(workspace.scratch().bytes)));
        CHECK(workspace.mode() == Mode::training);
        CHECK(workspace.input_shape() == input);
    }
}

TEST_CASE("the input's gradient is there when asked for, and only then") {
    const OnReference<Net> model;
    auto without = model.training_workspace(2);
    CHECK(!without.gradient(0));
    auto with = model.workspace(2, Mode::training, input, true);
    REQUIRE(with.gradient(0));
    CHECK(with.gradient(0).shape == input);
    auto resting = model.workspace(2);
    CHECK(!resting.gradient(Net::depth));
}

TEST_CASE("a moved workspace keeps its memory") {
    const auto model = test::random_model<OnReference<Net>>();
    auto first = model.training_workspace(2);
    const test::Step expected = test::training_step(model, first, 2);
    auto second = std::move(first);
    CHECK(test::training_step(model, second, 2) == expected);
}
