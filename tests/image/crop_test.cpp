// SPDX-License-Identifier: MIT
#include "tessera/image/crop.hpp"

#include <doctest/doctest.h>

#include "tessera/core/random.hpp"

using namespace tessera;

namespace {

Image numbered(int width, int height, int channels) {
    Image image(width, height, channels);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = std::uint8_t(i);
    return image;
}

}  // namespace

static_assert(mirrored_position(-1, 3) == 0 && mirrored_position(-3, 3) == 2);
static_assert(mirrored_position(3, 3) == 2 && mirrored_position(5, 3) == 0);
static_assert(mirrored_position(6, 3) == 0 && mirrored_position(-4, 3) == 2);
static_assert(mirrored_position(-1, 1) == 0 && mirrored_position(7, 1) == 0);

TEST_CASE("crop takes the pixels of its window") {
    const Image image = numbered(7, 5, 3);
    const Image part = crop(image, {.left = 2, .top = 1}, {4, 3});
    CHECK(part.shape() == Shape{3, 3, 4});
    for (int y = 0; y < 3; ++y) {
        for (int x = 0; x < 4; ++x) {
            for (int c = 0; c < 3; ++c) CHECK(part.at(x, y, c) == image.at(x + 2, y + 1, c));
        }
    }
}

TEST_CASE("mirror turns left to right and undoes itself") {
    const Image image = numbered(6, 4, 3);
    const Image turned = mirror(image);
    CHECK(turned.at(0, 2, 1) == image.at(5, 2, 1));
    CHECK(turned != image);
    CHECK(mirror(turned) == image);
}

TEST_CASE("a mirrored window is the mirror image of the window") {
    const Image image = numbered(9, 5, 1);
    const Extent extent{5, 3};
    CHECK(crop(image, {3, 1, true}, extent) == mirror(crop(image, {3, 1, false}, extent)));
    CHECK(crop(image, {-2, 4, true}, extent) == mirror(crop(image, {-2, 4, false}, extent)));
}

TEST_CASE("beyond the border the image is mirrored, without a seam") {
    Image row(3, 1, 1);
    row.pixels = {10, 20, 30};
    const Image wide = crop(row, {.left = -4, .top = -1}, {11, 2});
    const std::vector<std::uint8_t> expected{30, 30, 20, 10, 10, 20, 30, 30, 20, 10, 10};
    CHECK(std::vector(wide.row(0), wide.row(0) + 11) == expected);
    CHECK(std::vector(wide.row(1), wide.row(1) + 11) == expected);
}

TEST_CASE("crop refuses an empty image and an empty extent") {
    CHECK_THROWS_AS(crop(Image(), {}, {1, 1}), Error);
    CHECK_THROWS_AS(crop(numbered(2, 2, 3), {}, {0, 1}), Error);
}
