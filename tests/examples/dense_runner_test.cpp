// SPDX-License-Identifier: MIT
// Dense scores are those of the network whose linear layers became convolutions, and where a patch
// is the whole image those of the patch.
#include "program/dense_runner.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "files.hpp"
#include "tessera/core/random.hpp"
#include "tessera/train/initialise.hpp"

using namespace tessera;
using namespace tessera::testing;
using namespace program;

namespace {

/// A map position every 4 pixels of an image in which a patch has 24.
struct Tiny {
    static constexpr int image = 24;
    static constexpr Shape input{3, 20, 20};
    static constexpr int hidden = 6;
    template <int Classes>
    using Net =
        Seq<Conv<5, 3, Stride<2>, Pad<1>>, ReLU, Named<"pool5", MaxPool<3, Stride<2>, Ceil>>,
            Named<"fc6", Linear<7>>, ReLU, Dropout<>, Named<"fc7", Linear<8>>, Named<"relu7", ReLU>,
            Dropout<>, Named<"fc8", Linear<Classes>>>;
};
constexpr int classes = 3, columns = classes + 1;
using PatchModel = Model<PatchNet<Tiny, classes>, Tiny::input, Cpu>;

const Normaliser normaliser({100.0F, 110.0F, 120.0F}, 1 / 60.0F);

struct Pictures {
    TemporaryFolder folder;
    std::vector<Image> pixels;
    std::vector<ImageBoxes> images;

    explicit Pictures(const Tiling& tiling) {
        Random random({.seed = 8});
        for (const Extent size : {Extent{48, 48}, {60, 40}, {31, 77}}) {
            Image image(size.width, size.height);
            for (auto& value : image.pixels) value = static_cast<std::uint8_t>(random.below(256));
            const std::string path = folder / text(size.width, ".png");
            write_image(path, image);
            pixels.push_back(image);
            images.push_back({path, size.width, size.height,
                              boxes_of(dense_tiles(Tiny{}, size.width, size.height, tiling))});
        }
    }
};

PatchModel random_model() {
    Model<SourceNet<Tiny>, Tiny::input, Cpu> source;
    initialise(source, He{}, 3);
    PatchModel model(source);
    initialise(model, He{}, 4);
    return model;
}

std::vector<float> rows_of(const PatchModel& model, const Tiling& tiling,
                           const std::vector<ImageBoxes>& images, Index done = 0) {
    std::vector<float> rows;
    const ScoringOptions options{.done = done, .interrupted = [] { return false; }};
    CHECK(run_densely<Tiny, classes>(
        Tiny{}, model, normaliser, tiling, images, options,
        [&](std::span<const float> more) { rows.insert(rows.end(), more.begin(), more.end()); }));
    return rows;
}

}  // namespace

TEST_CASE("windows lie where patches would, from border to border") {
    const auto square = DenseGrid::of(Tiny{}, 48, 48, 1, 0.5);
    CHECK(square.resized == Extent{24, 24});
    CHECK(square.rows == std::vector{0});
    CHECK(square.box(0, 0) == Box{0, 0, 48, 48});
    // 48 pixels at lambda 2, 44 of them seen: 6 more positions than a patch needs.
    const auto half = DenseGrid::of(Tiny{}, 48, 48, 2, 0.5);
    CHECK(half.columns == std::vector{0, 3, 6});
    CHECK(half.box(0, 3) == Box{12, 0, 36, 24});
    CHECK(half.box(6, 6) == Box{24, 24, 48, 48});
    // A step that does not divide them: the last window is at the border all the same.
    CHECK(DenseGrid::of(Tiny{}, 48, 48, 2, 0.66).columns == std::vector{0, 4, 6});
    // Never less than a position.
    CHECK(DenseGrid::of(Tiny{}, 48, 48, 2, 0.01).columns.size() == 7);
    // 60 x 40 at lambda 1.5: 54 x 36 pixels.
    const auto wide = DenseGrid::of(Tiny{}, 60, 40, 1.5, 0.5);
    CHECK(wide.resized == Extent{54, 36});
    CHECK(wide.box(0, 3).left == doctest::Approx(12 * 60 / 54.0));
    CHECK(wide.box(0, 3).width() == doctest::Approx(24 * 60 / 54.0));
}

TEST_CASE("a strip that would become billions of pixels is refused") {
    CHECK_THROWS_WITH_AS(DenseGrid::of(Tiny{}, 1, 200'000, 4, 0.5),
                         "dense scores: found an image of 1 x 200000 pixels at lambda 4, expected "
                         "at most 67108864 pixels when it is resized",
                         Error);
}

TEST_CASE("dense scores are those of the network without linear layers") {
    const Tiling tiling{.lambdas = {1, 1.5, 2.7}, .stride = 0.5};
    const PatchModel model = random_model();
    const Pictures pictures(tiling);
    const std::vector<float> rows = rows_of(model, tiling, pictures.images);
    REQUIRE(std::ssize(rows) == box_count(pictures.images) * columns);

    using Dense = Convolutionalise<PatchNet<Tiny, classes>, Tiny::input>;
    const Model<Dense, Shape{3, dynamic, dynamic}, Cpu> dense(model);
    const float* row = rows.data();
    float largest = 0, spread = 0;
    for (const Image& image : pictures.pixels) {
        for (const double lambda : tiling.lambdas) {
            const auto grid =
                DenseGrid::of(Tiny{}, image.width, image.height, lambda, tiling.stride);
            const Shape shape{3, grid.seen.height, grid.seen.width};
            std::vector<float> pixels(static_cast<std::size_t>(shape.size()));
            const Box whole{0, 0, double(image.width), double(image.height)};
            PatchExtractor().samples(image, std::span(&whole, 1),
                                     {grid.resized, grid.window, grid.seen, normaliser},
                                     pixels.data());
            auto workspace = dense.workspace(1, Mode::inference, shape);
            const auto map = dense.forward(workspace, {pixels.data(), 1, shape});
            for (const int y : grid.rows) {
                for (const int x : grid.columns) {
                    const float* expected = map.data + (y * map.shape.width + x) * columns;
                    for (int c = 0; c < columns; ++c, ++row) {
                        largest = std::max(largest, std::abs(*row - expected[c]));
                        spread = std::max(spread, std::abs(*row - rows[std::size_t(c)]));
                    }
                }
            }
        }
    }
    CHECK(largest < 1e-5);
    CHECK(spread > 0.01);  // windows differ
}

TEST_CASE("where the patch is the whole image, dense scores are those of the patch") {
    const Tiling tiling{.lambdas = {1}, .stride = 0.5};
    const PatchModel model = random_model();
    const Pictures pictures(tiling);
    const std::vector<float> rows = rows_of(model, tiling, {pictures.images.front()});
    REQUIRE(rows.size() == columns);

    const PatchView view{Tiny::image, Tiny::input, normaliser};
    const std::function<bool()> never = [] { return false; };
    run_over_boxes(model, {{pictures.images.front()}, 0, view, "test", never},
                   [&](const View<const float>& out) {
                       for (int c = 0; c < columns; ++c) {
                           CHECK(out[c] == doctest::Approx(rows[std::size_t(c)]).epsilon(1e-5));
                       }
                   });
}

TEST_CASE("dense scores go on behind any row, and end when interrupted") {
    const Tiling tiling{.lambdas = {1, 2}, .stride = 0.5};
    const PatchModel model = random_model();
    const Pictures pictures(tiling);
    const std::vector<float> all = rows_of(model, tiling, pictures.images);
    for (const Index done : {1, 10, 25}) {
        const std::vector<float> rest = rows_of(model, tiling, pictures.images, done);
        CHECK(rest == std::vector<float>(all.begin() + done * columns, all.end()));
    }
    Index taken = 0;
    CHECK_FALSE(run_densely<Tiny, classes>(
        Tiny{}, model, normaliser, tiling, pictures.images, {.interrupted = [] { return true; }},
        [&](std::span<const float> rows) { taken += std::ssize(rows); }));
    CHECK(taken == std::ssize(pictures.images.front().boxes) * columns);
}
