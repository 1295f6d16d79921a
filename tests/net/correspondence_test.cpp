// SPDX-License-Identifier: MIT
#include "tessera/net/correspondence.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "net/random_model.hpp"
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/surgery.hpp"

using namespace tessera;

namespace {

constexpr Shape input{2, 6, 6};
using Net = Seq<Conv<4, 3>, ReLU, Conv<4, 3>, Named<"fc", Linear<8>>, ReLU, Linear<8>, Linear<3>>;

template <class Net, Shape Input = input>
constexpr auto layout_of() {
    constexpr auto layers = describe<Net>(Input);
    return lay_out<detail::count_parameters(layers)>(layers);
}

/// Layer of the source for each array of the target, -1 for new ones.
template <class Target, Shape Input = input, class Source = Net>
std::vector<int> sources() {
    const auto source = layout_of<Source>();
    std::vector<int> layers;
    for (const int j :
         correspondence<Flat<Target>, Flat<Source>>(layout_of<Target, Input>(), source)) {
        layers.push_back(j < 0 ? -1 : source.entries[static_cast<std::size_t>(j)].layer);
    }
    return layers;
}

using Layers = std::vector<int>;

template <class Net, Shape Input = input>
using OnReference = Model<Net, Input, Reference>;

}  // namespace

TEST_CASE("a network corresponds to itself, frozen, tapped or convolutional") {
    const Layers all{0, 0, 2, 2, 3, 3, 5, 5, 6, 6};
    CHECK(sources<Net>() == all);
    CHECK(sources<Freeze<Net>>() == all);
    CHECK(sources<Tap<FreezeUntil<Net, "fc">, 2>>() == all);
    CHECK(sources<Convolutionalise<Net, input>>() == all);
    CHECK(sources<Convolutionalise<Net, input>, Shape{2, dynamic, dynamic}>() == all);
}

TEST_CASE("after a cut the front is kept and what is added is new") {
    CHECK(sources<CutAfter<Net, "fc">>() == Layers{0, 0, 2, 2, 3, 3});
    CHECK(sources<Append<CutAfter<Net, 4>, Linear<5>, Linear<3>>>() ==
          Layers{0, 0, 2, 2, 3, 3, -1, -1, -1, -1});
}

TEST_CASE("a tail is counted from the back") {
    CHECK(sources<CutBefore<Net, "fc">, Shape{4, 2, 2}>() == Layers{3, 3, 5, 5, 6, 6});
    CHECK(sources<CutBefore<Net, 5>, Shape{8}>() == Layers{5, 5, 6, 6});
}

TEST_CASE("layers without names that fit the front and the back are nobody's guess") {
    using Tower = Seq<Linear<8>, ReLU, Linear<8>, ReLU, Linear<8>>;
    const auto kept = correspondence<CutBefore<Tower, 2>, Tower>(
        layout_of<CutBefore<Tower, 2>, Shape{8}>(), layout_of<Tower, Shape{8}>());
    CHECK(std::ranges::count(kept, ambiguous) == 4);
}

TEST_CASE("a layer with a name is found wherever it stands, and by nobody else") {
    CHECK(sources<Seq<ReLU, ReLU, Named<"fc", Linear<8>>>, Shape{4, 2, 2}>() == Layers{3, 3});
    // The same layer at the same position, without the name or with another one.
    CHECK(sources<Replace<Net, "fc", Linear<8>>>() == Layers{0, 0, 2, 2, -1, -1, 5, 5, 6, 6});
    CHECK(sources<Replace<Net, "fc", Named<"other", Linear<8>>>>() ==
          Layers{0, 0, 2, 2, -1, -1, 5, 5, 6, 6});
    CHECK(sources<Replace<Net, 5, Named<"fresh", Linear<8>>>>() ==
          Layers{0, 0, 2, 2, 3, 3, -1, -1, 6, 6});
}

TEST_CASE(
    "a replaced layer is new, and so is one whose weights changed size with it, bias and all") {
    CHECK(sources<Replace<Net, 2, Conv<5, 3>>>() == Layers{0, 0, -1, -1, -1, -1, 5, 5, 6, 6});
    CHECK(sources<Replace<Net, 2, Conv<4, 3, NoBias>>>() == Layers{0, 0, -1, 3, 3, 5, 5, 6, 6});
    CHECK(sources<Replace<Net, 6, Linear<4>>>() == Layers{0, 0, 2, 2, 3, 3, 5, 5, -1, -1});
}

TEST_CASE("kept layers share their addresses, and new ones are zero") {
    using Target = Append<Freeze<CutAfter<Net, "fc">>, ReLU, Named<"new", Linear<5>>>;
    const auto source = test::random_model<OnReference<Net>>();
    const OnReference<Target> target(source);
    for (int i = 0; i < 6; ++i) {
        CHECK(target.parameters()[i].data() == source.parameters()[i].data());
    }
    for (int i = 6; i < 8; ++i) {
        CHECK(std::ranges::count(target.parameters()[i], 0.0f) ==
              target.parameters().entry(i).info.count());
    }
}

TEST_CASE("shared parameters outlive the model they came from") {
    std::optional source(test::random_model<OnReference<Net>>());
    const std::vector<float> weights(source->parameters()[4].begin(),
                                     source->parameters()[4].end());
    const OnReference<CutAfter<Net, "fc">> target(*source);
    source.reset();
    CHECK(std::ranges::equal(target.parameters()[4], weights));
}

TEST_CASE("what one does not wish to share is copied") {
    const auto source = test::random_model<OnReference<Net>>();
    const OnReference<FreezeUntil<Net, "fc">> target(
        source, [](const ParameterEntry& entry) { return entry.frozen; });
    for (int i = 0; i < 10; ++i) {
        const bool same = target.parameters()[i].data() == source.parameters()[i].data();
        CHECK(same == (i < 6));
        CHECK(std::ranges::equal(target.parameters()[i], source.parameters()[i]));
    }
}
