// SPDX-License-Identifier: MIT
#include "tessera/net/layout.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tessera/layer/conv.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/relu.hpp"

using namespace tessera;

namespace {

using Net = Seq<Frozen<Named<"a", Conv<4, 3>>>, ReLU, Conv<5, 3, NoBias>, Frozen<Linear<7>>, ReLU,
                Named<"b", Linear<3>>>;
constexpr auto layers = describe<Net>(Shape{2, 8, 8});
constexpr auto layout = lay_out<detail::count_parameters(layers)>(layers);

}  // namespace

TEST_CASE("every array has its own place at a multiple of sixteen") {
    std::vector<bool> taken(static_cast<std::size_t>(layout.total));
    for (const ParameterEntry& entry : layout.entries) {
        CHECK(entry.offset % 16 == 0);
        REQUIRE(entry.offset + entry.info.count() <= layout.total);
        for (Index i = 0; i < entry.info.count(); ++i) {
            const auto at = static_cast<std::size_t>(entry.offset + i);
            CHECK(!taken[at]);
            taken[at] = true;
        }
    }
}

TEST_CASE("what learns lies in front, the last layer first, and what is frozen behind it") {
    // In layer order: a.weight, a.bias, 2.weight, 3.weight, 3.bias, b.weight, b.bias.
    REQUIRE(layout.entries.size() == 7);
    CHECK(layout.entries[5].offset == 0);   // 21 elements, 32 with padding
    CHECK(layout.entries[6].offset == 32);  // 3
    CHECK(layout.entries[2].offset == 48);  // 180
    CHECK(layout.trainable == 48 + 192);
    CHECK(layout.entries[3].offset == layout.trainable);
    CHECK(layout.entries[0].offset > layout.entries[4].offset);
    for (const ParameterEntry& entry : layout.entries) {
        CHECK(entry.frozen == (entry.offset >= layout.trainable));
    }
}

TEST_CASE("a parameter is called by its layer's name, or its position, and its role") {
    std::vector<std::string> names;
    for (const auto& entry : layout.entries) names.push_back(parameter_name(layers, entry));
    CHECK(names == std::vector<std::string>{"a.weight", "a.bias", "2.weight", "3.weight", "3.bias",
                                            "b.weight", "b.bias"});
}

TEST_CASE("a network without parameters has an empty layout") {
    constexpr auto none = lay_out<0>(describe<Seq<ReLU>>(Shape{2}));
    CHECK(none.total == 0);
    CHECK(none.trainable == 0);
}
