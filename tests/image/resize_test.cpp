// SPDX-License-Identifier: MIT
// Resize against a direct evaluation of its definition in double precision.
#include "tessera/image/resize.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "tessera/core/random.hpp"

using namespace tessera;

namespace {

Image noise(int width, int height, int channels, std::uint32_t sample = 0) {
    Image image(width, height, channels);
    Random random({.seed = 1, .purpose = Purpose::generate, .sample = sample});
    for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
    return image;
}

/// One output value straight from the definition: a two-dimensional sum over the plane of mirrored
/// pixels, cut to the union of image and box.
double direct(const Image& image, const Box& box, const Extent& extent, int x, int y, int c) {
    const double ratio_x = box.width() / extent.width, ratio_y = box.height() / extent.height;
    const double centre_x = box.left + (x + 0.5) * ratio_x;
    const double centre_y = box.top + (y + 0.5) * ratio_y;
    auto weight = [](double distance, double ratio) {
        return std::max(0.0, 1 - std::abs(distance) / std::max(1.0, ratio));
    };
    auto reflect = [](int p, int n) {
        while (p < 0 || p >= n) p = p < 0 ? -1 - p : 2 * n - 1 - p;
        return p;
    };
    double sum = 0, total = 0;
    for (int v = std::min(0, int(std::floor(box.top)));
         v < std::max(image.height, int(std::ceil(box.bottom))); ++v) {
        for (int u = std::min(0, int(std::floor(box.left)));
             u < std::max(image.width, int(std::ceil(box.right))); ++u) {
            const double w =
                weight(u + 0.5 - centre_x, ratio_x) * weight(v + 0.5 - centre_y, ratio_y);
            if (w == 0) continue;
            sum += w * image.at(reflect(u, image.width), reflect(v, image.height), c);
            total += w;
        }
    }
    return sum / total;
}

void compare(const Image& image, const Box& box, const Extent& extent) {
    CAPTURE(box.left);
    CAPTURE(box.top);
    CAPTURE(box.right);
    CAPTURE(box.bottom);
    std::vector<float> found(std::size_t(extent.width * extent.height * image.channels),
                             std::numeric_limits<float>::quiet_NaN());
    const int values = extent.width * image.channels;
    Resizer resizer;
    resizer.columns(image, box.left, box.right, extent.width);
    resizer.rows(box.top, box.bottom, extent.height, [&](int y, const float* row) {
        std::copy_n(row, values, found.data() + y * values);
    });
    double worst = 0;
    const Image rounded = resize(image, box, extent);
    double worst_rounded = 0;
    for (int y = 0; y < extent.height; ++y) {
        for (int x = 0; x < extent.width; ++x) {
            for (int c = 0; c < image.channels; ++c) {
                const double expected = direct(image, box, extent, x, y, c);
                const float value = found[std::size_t(y * values + x * image.channels + c)];
                const double error = std::abs(value - expected);
                if (!(error <= worst)) worst = error;  // catches NaN
                worst_rounded = std::max(worst_rounded, std::abs(rounded.at(x, y, c) - expected));
            }
        }
    }
    CHECK(worst < 1e-3);
    CHECK(worst_rounded < 0.501);
}

}  // namespace

TEST_CASE("resize equals the direct sum over pixels for random boxes and extents") {
    Random random({.seed = 2, .purpose = Purpose::generate});
    for (std::uint32_t trial = 0; trial < 60; ++trial) {
        const int width = 1 + int(random.below(40)), height = 1 + int(random.below(40));
        const Image image = noise(width, height, trial % 4 == 0 ? 1 : 3, trial);
        const double left = random.uniform(-0.5F, 0.9F) * float(width);
        const double top = random.uniform(-0.5F, 0.9F) * float(height);
        const Box box{left, top, left + random.uniform(0.05F, 1.5F) * float(width),
                      top + random.uniform(0.05F, 1.5F) * float(height)};
        compare(image, box, {1 + int(random.below(24)), 1 + int(random.below(24))});
    }
}

TEST_CASE("resize of the whole image to its own extent changes nothing") {
    const Image image = noise(31, 17, 3);
    CHECK(resize(image, {31, 17}) == image);
    CHECK(resize(image, {4, 5, 20, 16}, {16, 11}) == crop(image, {4, 5}, {16, 11}));
}

TEST_CASE("resize of an integer box far outside is the mirrored crop") {
    const Image image = noise(9, 7, 3);
    CHECK(resize(image, {-20, -15, 25, 30}, {45, 45}) == crop(image, {-20, -15}, {45, 45}));
}

TEST_CASE("resize of a constant image is constant") {
    Image image(23, 19);
    std::fill(image.pixels.begin(), image.pixels.end(), std::uint8_t{137});
    for (const Extent extent : {Extent{1, 1}, {5, 64}, {64, 5}, {100, 100}}) {
        const Image result = resize(image, {-3.7, 1.25, 21.5, 40}, extent);
        const auto other = std::find_if(result.pixels.begin(), result.pixels.end(),
                                        [](std::uint8_t p) { return p != 137; });
        CHECK(other == result.pixels.end());
    }
}

TEST_CASE("resize to one pixel keeps the mean of a symmetric ramp") {
    Image ramp(101, 1, 1);
    for (int x = 0; x < 101; ++x) ramp.at(x, 0, 0) = std::uint8_t(50 + x);
    CHECK(resize(ramp, {1, 1}).at(0, 0, 0) == 100);
}

TEST_CASE("shrinking does not alias: a fine checkerboard becomes grey") {
    Image board(128, 128, 1);
    for (int y = 0; y < 128; ++y) {
        for (int x = 0; x < 128; ++x) board.at(x, y, 0) = (x + y) % 2 ? 255 : 0;
    }
    const Image small = resize(board, {15, 15});
    for (const auto pixel : small.pixels) CHECK(std::abs(int(pixel) - 127) <= 2);
}

TEST_CASE("values agree with PIL's and PyTorch's antialiased bilinear filter") {
    // Triangle of radius 2 around 1, 3 and 5 over six pixels, cut at the border:
    // weights 3 3 1 | 1 3 3 1 | 1 3 3, over 7, 8 and 7.
    Image image(6, 1, 1);
    image.pixels = {7, 14, 21, 105, 56, 210};
    const Image half = resize(image, {3, 1});
    CHECK(half.at(0, 0, 0) == 12);   // (21 + 42 + 21) / 7
    CHECK(half.at(1, 0, 0) == 56);   // (14 + 63 + 315 + 56) / 8
    CHECK(half.at(2, 0, 0) == 129);  // (105 + 168 + 630) / 7
}

TEST_CASE("a resizer is reused for other images, boxes and channels") {
    Resizer resizer;
    const Image first = noise(40, 30, 3), second = noise(25, 50, 1);
    Image large(20, 20, 3), small(3, 4, 1), again(20, 20, 3);
    resize(first, {0, 0, 40, 30}, large, resizer);
    resize(second, {2, 3, 20, 40}, small, resizer);
    resize(first, {0, 0, 40, 30}, again, resizer);
    CHECK(small == resize(second, {2, 3, 20, 40}, {3, 4}));
    CHECK(again == large);
}

TEST_CASE("boxes and extents that make no sense are refused") {
    const Image image = noise(8, 8, 3);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(resize(image, {4, 0, 4, 8}, {2, 2}), Error);
    CHECK_THROWS_AS(resize(image, {5, 0, 4, 8}, {2, 2}), Error);
    CHECK_THROWS_AS(resize(image, {nan, 0, 4, 8}, {2, 2}), Error);
    CHECK_THROWS_AS(resize(image, {0, 0, 1e12, 8}, {2, 2}), Error);
    CHECK_THROWS_AS(resize(image, {0, 2}), Error);
    CHECK_THROWS_AS(resize(Image(), {2, 2}), Error);
}
