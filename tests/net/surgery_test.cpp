// SPDX-License-Identifier: MIT
#include "tessera/net/surgery.hpp"

#include <doctest/doctest.h>

#include "net/random_model.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"

using namespace tessera;

namespace {

template <class... Options>
using Scorer = Seq<Conv<8, 3, Options...>, ReLU, Lrn<>, MaxPool<2>, Named<"hidden", Linear<16>>,
                   ReLU, Named<"scores", Linear<4>>>;

constexpr Shape patch{3, 10, 12};
constexpr Shape image{3, 18, 20};
constexpr int step = 2;  // of the pooling, and so of the map

template <class Net>
using Patchwise = Model<Net, patch, Cpu>;
template <class Net>
using Densely = Model<Convolutionalise<Net, patch>, Shape{3, dynamic, dynamic}, Cpu>;

/// Largest difference of scores, relative to the largest score.
double apart(const std::vector<float>& found, const std::vector<float>& expected) {
    REQUIRE(found.size() == expected.size());
    double most = 0, largest = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        most = std::max(most, std::abs(double{found[i]} - expected[i]));
        largest = std::max(largest, std::abs(double{expected[i]}));
    }
    return most / largest;
}

/// The window of the image that begins at (top, left).
std::vector<float> crop(const std::vector<float>& pixels, int top, int left) {
    std::vector<float> cut;
    for (int y = 0; y < patch.height; ++y) {
        const Index row = (Index{top + y} * image.width + left) * image.channels;
        cut.insert(cut.end(), pixels.begin() + row,
                   pixels.begin() + row + patch.width * patch.channels);
    }
    return cut;
}

template <class Net>
double map_against_patches() {
    const auto model = test::random_model<Patchwise<Net>>();
    const Densely<Net> dense(model);
    const auto pixels = test::random_numbers(image.size());
    auto whole = dense.workspace(1, Mode::inference, image);
    const auto map = dense.forward(whole, {pixels.data(), 1, image});
    REQUIRE(map.shape == Shape{4, 5, 5});
    auto workspace = model.workspace(1);
    double most = 0;
    for (int row = 0; row < 5; ++row) {
        for (int column = 0; column < 5; ++column) {
            const auto cut = crop(pixels, row * step, column * step);
            const auto scores = test::numbers(model.forward(workspace, {cut.data(), 1, patch}));
            const float* at = map.data + (row * 5 + column) * 4;
            most = std::max(most, apart({at, at + 4}, scores));
        }
    }
    return most;
}

}  // namespace

TEST_CASE("at its own size the convolutional form gives the scores of the original") {
    using Net = Scorer<Pad<1>>;
    const auto model = test::random_model<Patchwise<Net>>();
    const Densely<Net> dense(model);
    const auto in = test::random_numbers(3 * patch.size());
    auto workspace = model.workspace(3);
    auto dense_workspace = dense.workspace(3, Mode::inference, patch);
    const auto y = dense.forward(dense_workspace, {in.data(), 3, patch});
    CHECK(y.shape == Shape{4, 1, 1});
    CHECK(apart(test::numbers(y), test::numbers(model.forward(workspace, {in.data(), 3, patch}))) <
          1e-6);
}

TEST_CASE("the convolutional form reads the very bytes of the original's Linears") {
    const auto model = test::random_model<Patchwise<Scorer<>>>();
    const Densely<Scorer<>> dense(model);
    REQUIRE(dense.parameters().count() == model.parameters().count());
    for (int i = 0; i < dense.parameters().count(); ++i) {
        CHECK(dense.parameters()[i].data() == model.parameters()[i].data());
    }
}

TEST_CASE("without padding a map of scores is the scores of its patches") {
    CHECK(map_against_patches<Scorer<>>() < 1e-5);
}

TEST_CASE("with padding a map differs from its patches, which see zeros around them") {
    const double difference = map_against_patches<Scorer<Pad<1>>>();
    MESSAGE("largest difference of scores with padding, relative: ", difference);
    CHECK(difference > 1e-2);
}
