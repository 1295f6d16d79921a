// SPDX-License-Identifier: MIT
#include "tessera/net/receptive_field.hpp"

#include <doctest/doctest.h>

#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

namespace {

constexpr Shape input{1, 23, 25};
using Net = Seq<Conv<2, 3, Stride<2>, Pad<1, 0>>, ReLU, AvgPool<3, KernelWidth<2>, Stride<1>>,
                Conv<1, 3, Stride<2>, Pad<0, 2>>>;
constexpr ReceptiveField field = receptive_field<Net>(input);

/// Vertical: 1 + 2, then 2 * 2 more, then 2 * 2 more; horizontal one pooled column less.
static_assert(field.vertical == Field{3 + 4 + 4, 4, -1});
static_assert(field.horizontal == Field{3 + 2 + 4, 4, -1});
static_assert(field.box(2, 1).top == 7 && field.box(2, 1).left == 3);
static_assert(field.box(2, 1).height() == 11 && field.box(2, 1).width() == 9);

}  // namespace

TEST_CASE("a pixel matters to a position exactly when it lies in the position's field") {
    Model<Net, input, Reference, double> model;
    for (int i = 0; i < model.parameters().count(); ++i) {
        std::ranges::fill(model.parameters()[i], 1.0);  // nothing cancels
    }
    std::vector<double> image(static_cast<std::size_t>(input.size()), 1.0);
    auto workspace = model.workspace(1);
    const View<const double> x{image.data(), 1, input};
    const auto first = model.forward(workspace, x);
    REQUIRE(first.shape == Shape{1, 5, 6});
    const std::vector<double> before(first.data, first.data + first.size());
    for (int row = 0; row < input.height; ++row) {
        for (int column = 0; column < input.width; ++column) {
            double& pixel = image[static_cast<std::size_t>(row * input.width + column)];
            pixel = 2;
            const auto y = model.forward(workspace, x);
            pixel = 1;
            for (int p = 0; p < y.shape.height; ++p) {
                for (int q = 0; q < y.shape.width; ++q) {
                    const auto at = static_cast<std::size_t>(p * y.shape.width + q);
                    const bool changed = y[static_cast<Index>(at)] != before[at];
                    const bool inside = field.box(p, q).contains(column, row);
                    if (p == 4 || q == 5) {
                        // These see the padding behind the map, where it has no pixels.
                        if (changed) CHECK(inside);
                    } else {
                        CHECK(changed == inside);
                    }
                }
            }
        }
    }
}

TEST_CASE("the field of a part of the network is that of its layers") {
    constexpr auto layers = describe<Net>(input);
    CHECK(receptive_field(layers, 0) == ReceptiveField{});
    CHECK(receptive_field(layers, 2).vertical == Field{3, 2, -1});
    CHECK(receptive_field(layers, 3).horizontal == Field{5, 2, -1});
}
