// SPDX-License-Identifier: MIT
// Extraction of many patches equals resizing one after the other.
#include "tessera/patch/extract.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <limits>

#include "tessera/core/fingerprint.hpp"
#include "tessera/core/random.hpp"
#include "tessera/patch/tile.hpp"

using namespace tessera;

namespace {

Image noise(int width, int height, int channels = 3) {
    Image image(width, height, channels);
    Random random({.seed = 1, .purpose = Purpose::generate});
    for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
    return image;
}

}  // namespace

TEST_CASE("all patches of a tiling are bit by bit those of resize") {
    PatchExtractor extractor;
    for (const int channels : {3, 1}) {
        const Image image = noise(61, 47, channels);
        const auto boxes = boxes_of(tile(61, 47, Tiling::dense()));
        const auto patches = extractor.images(image, boxes, {16, 16});
        REQUIRE(patches.size() == boxes.size());
        for (std::size_t i = 0; i < boxes.size(); ++i) {
            CHECK(patches[i] == resize(image, boxes[i], {16, 16}));
        }
    }
}

TEST_CASE("any boxes in any order, also outside the image, are extracted") {
    const Image image = noise(40, 30);
    const std::vector<Box> boxes{{5, 6, 20, 21},   {-10, -4, 30, 36}, {5, -20, 20, -5},
                                 {5, 6, 20, 21},   {0, 0, 40, 30},    {5, 0, 21, 30},
                                 {39, 29, 41, 31}, {0, 15.5, 40, 16}};
    const auto patches = PatchExtractor().images(image, boxes, {12, 7});
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        CHECK(patches[i] == resize(image, boxes[i], {12, 7}));
    }
}

TEST_CASE("samples are the normalised crops of the resized boxes, without rounding") {
    const Image image = noise(50, 40);
    const auto boxes = boxes_of(tile(50, 40));
    std::vector<float> mean(20 * 20 * 3);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = float(i % 251);
    const Normaliser normaliser(Shape{3, 20, 20}, mean, 1 / 60.0F);
    for (const bool mirrored : {false, true}) {
        std::vector<float> samples(boxes.size() * 16 * 14 * 3,
                                   std::numeric_limits<float>::quiet_NaN());
        const Window window{3, 2, mirrored};
        PatchExtractor().samples(image, boxes, {{20, 20}, window, {16, 14}, normaliser},
                                 samples.data());
        std::vector<float> expected(16 * 14 * 3);
        float worst = 0;
        for (std::size_t i = 0; i < boxes.size(); ++i) {
            const Image patch = resize(image, boxes[i], {20, 20});
            normaliser.write(patch, window, {16, 14}, expected.data());
            for (std::size_t j = 0; j < expected.size(); ++j) {
                const float error = std::abs(samples[i * expected.size() + j] - expected[j]);
                if (!(error <= worst)) worst = error;
            }
        }
        CHECK(worst <= 0.5F / 60 + 1e-5F);
        CHECK(worst > 0);
    }
}

TEST_CASE("patches have the same bits from every compiler and on every processor") {
    Fingerprint found;
    for (const int channels : {3, 1}) {
        const Image image = noise(61, 47, channels);
        auto boxes = boxes_of(tile(61, 47));
        boxes.push_back({3.7, -5.2, 70.3, 21.9});
        const Normaliser normaliser(std::vector<float>(std::size_t(channels), 117.3F), 1 / 58.0F);
        std::vector<float> samples(boxes.size() * std::size_t(17 * 13 * channels));
        for (const bool mirrored : {false, true}) {
            const PatchExtractor::Sampling sampling{
                {20, 22}, {2, 5, mirrored}, {17, 13}, normaliser};
            PatchExtractor().samples(image, boxes, sampling, samples.data());
            for (const float value : samples) found.add(std::bit_cast<std::uint32_t>(value));
        }
    }
    CHECK(hexadecimal(found.value()) == "6d73a0f8f23d9689");
}

TEST_CASE("no box is no work, and bad arguments are refused") {
    const Image image = noise(8, 8);
    PatchExtractor extractor;
    CHECK(extractor.images(image, {}, {4, 4}).empty());
    const std::vector<Box> boxes{{3, 3, 3, 5}};
    CHECK_THROWS_AS(extractor.images(image, boxes, {4, 4}), Error);
    float sample[48];
    const std::vector<Box> good{{0, 0, 4, 4}};
    const Normaliser normaliser;
    CHECK_THROWS_AS(extractor.samples(image, good, {{4, 4}, {1, 0}, {4, 4}, normaliser}, sample),
                    Error);
}
