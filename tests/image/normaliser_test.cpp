// SPDX-License-Identifier: MIT
#include "tessera/image/normaliser.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "tessera/core/random.hpp"

using namespace tessera;

namespace {

Image noise(int width, int height, int channels, std::uint32_t sample) {
    Image image(width, height, channels);
    Random random({.seed = 5, .purpose = Purpose::generate, .sample = sample});
    for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
    return image;
}

std::vector<float> unwritten(Index size) {
    return std::vector<float>(std::size_t(size), std::numeric_limits<float>::quiet_NaN());
}

}  // namespace

TEST_CASE("a crop takes its part of the mean image along, mirrored with it") {
    const Image image = noise(9, 7, 3, 1);
    std::vector<float> mean(9 * 7 * 3);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = float(i);
    const Normaliser normaliser(image.shape(), mean, 0.5F);
    for (const Window window : {Window{2, 3, false}, Window{2, 3, true}}) {
        std::vector<float> sample = unwritten(4 * 3 * 3);
        normaliser.write(image, window, {4, 3}, sample.data());
        for (int y = 0; y < 3; ++y) {
            for (int x = 0; x < 4; ++x) {
                const int column = 2 + (window.mirrored ? 3 - x : x);
                for (int c = 0; c < 3; ++c) {
                    const float expected = (float(image.at(column, 3 + y, c)) -
                                            float(((3 + y) * 9 + column) * 3 + c)) *
                                           0.5F;
                    CHECK(sample[std::size_t((y * 4 + x) * 3 + c)] == expected);
                }
            }
        }
    }
}

TEST_CASE("a mean colour serves images of any extent, and no mean subtracts nothing") {
    const Normaliser colour({100, 110, 120}, 2);
    Image image(2, 1, 3);
    image.pixels = {100, 111, 118, 0, 0, 0};
    std::vector<double> sample(6, std::numeric_limits<double>::quiet_NaN());
    colour.write(image, sample.data());
    CHECK(sample == std::vector<double>{0, 2, -4, -200, -220, -240});
    Normaliser(2).write(image, sample.data());
    CHECK(sample == std::vector<double>{200, 222, 236, 0, 0, 0});
}

TEST_CASE("a single-pixel mean image equals a mean colour") {
    const Normaliser normaliser(Shape{3, 1, 1}, {1, 2, 3}, 1);
    const Image image = noise(3, 2, 3, 2);
    std::vector<float> a = unwritten(18), b = unwritten(18);
    normaliser.write(image, a.data());
    Normaliser({1, 2, 3}, 1).write(image, b.data());
    CHECK(a == b);
}

TEST_CASE("windows outside the image and means of another shape are refused") {
    const Image image = noise(4, 4, 3, 0);
    float sample[48];
    CHECK_THROWS_AS(Normaliser().write(image, {1, 0}, {4, 4}, sample), Error);
    CHECK_THROWS_AS(Normaliser().write(image, {-1, 0}, {4, 4}, sample), Error);
    CHECK_THROWS_AS(Normaliser({1.0F}, 1).write(image, sample), Error);
    CHECK_THROWS_AS(Normaliser({3, 5, 4}, std::vector<float>(60), 1).write(image, sample), Error);
    CHECK_THROWS_AS(Normaliser({3, 5, 4}, std::vector<float>(59), 1), Error);
    CHECK_THROWS_AS(Normaliser(std::vector<float>{}, 1), Error);
}
