// SPDX-License-Identifier: MIT
#include "tessera/image/draw.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace tessera;

namespace {

constexpr Colour red{255, 0, 0};

Colour colour_at(const Image& image, int x, int y) {
    return {image.at(x, y, 0), image.at(x, y, 1), image.at(x, y, 2)};
}

int count(const Image& image, const Colour& colour) {
    int pixels = 0;
    for (int y = 0; y < image.height; ++y) {
        for (int x = 0; x < image.width; ++x) pixels += colour_at(image, x, y) == colour;
    }
    return pixels;
}

Image filled(int width, int height, std::uint8_t value) {
    Image image(width, height);
    std::fill(image.pixels.begin(), image.pixels.end(), value);
    return image;
}

}  // namespace

TEST_CASE("a box is an outline of the asked thickness inside its edges") {
    Image image(20, 20);
    draw_box(image, {3, 4, 13, 12}, red, 2);
    CHECK(count(image, red) == 10 * 8 - 6 * 4);
    CHECK(colour_at(image, 3, 4) == red);
    CHECK(colour_at(image, 12, 11) == red);
    CHECK(colour_at(image, 13, 11) == Colour{});
    CHECK(colour_at(image, 5, 6) == Colour{});
}

TEST_CASE("what lies outside the image is left out") {
    Image image(10, 8);
    draw_box(image, {-5, -5, 5, 4}, red, 1);
    CHECK(count(image, red) == 4 + 5 - 1);
    draw_box(image, {-1e300, -1e300, 1e300, 1e300}, red);
    draw_cross(image, 100, -50, red);
    CHECK(count(image, red) == 4 + 5 - 1);
    draw_cross(image, 9.5, 7.5, red, 2);
    CHECK(count(image, red) == 4 + 5 - 1 + 5);
}

TEST_CASE("the colour scale runs from blue to red, and clamps") {
    CHECK(heat_colour(0) == Colour{0, 0, 128});
    CHECK(heat_colour(1) == Colour{128, 0, 0});
    CHECK(heat_colour(0.4F) == Colour{0, 255, 255});
    CHECK(heat_colour(-3) == heat_colour(0));
    CHECK(heat_colour(7) == heat_colour(1));
    CHECK(heat_colour(std::numeric_limits<float>::quiet_NaN()) == heat_colour(0));
}

TEST_CASE("an overlay blends colours and image by the opacity") {
    const Image image = filled(3, 2, 100);
    Map map(3, 2);
    map.at(2, 1) = 10;
    CHECK(overlay(image, map, {.high = 10, .opacity = 0}) == image);
    const Image full = overlay(image, map, {.high = 10, .opacity = 1});
    CHECK(colour_at(full, 0, 0) == heat_colour(0));
    CHECK(colour_at(full, 2, 1) == heat_colour(1));
    const Image half = overlay(image, map, {.high = 10, .opacity = 0.5F});
    CHECK(colour_at(half, 2, 1) == Colour{114, 50, 50});
    CHECK(overlay(image, map, {.low = 1, .high = 1}).shape() == image.shape());
    CHECK_THROWS_AS(overlay(image, Map(2, 2)), Error);
}

TEST_CASE("a montage puts pictures into cells, row by row") {
    const std::vector<Image> pictures{filled(4, 3, 10), filled(2, 3, 20), filled(4, 1, 30)};
    const Image sheet = montage(pictures, {.columns = 2, .gap = 1});
    CHECK(sheet.shape() == Shape{3, 9, 11});
    CHECK(sheet.at(0, 0, 0) == 255);
    CHECK(sheet.at(1, 1, 0) == 10);
    CHECK(sheet.at(6, 1, 0) == 255);  // the narrow picture is centred in its cell
    CHECK(sheet.at(7, 1, 0) == 20);
    CHECK(sheet.at(9, 1, 0) == 255);
    CHECK(sheet.at(1, 6, 0) == 30);
    CHECK(sheet.at(7, 6, 0) == 255);
    CHECK(montage(std::vector<Image>{filled(4, 3, 1)}).shape() == Shape{3, 7, 8});
}

TEST_CASE("paste cuts what does not fit") {
    Image image(4, 4);
    paste(image, filled(3, 3, 9), 2, -1);
    CHECK(count(image, {9, 9, 9}) == 4);
    CHECK(image.at(2, 0, 0) == 9);
    paste(image, filled(3, 3, 9), 50, 50);
    paste(image, filled(3, 3, 9), -3, 0);
    CHECK(count(image, {9, 9, 9}) == 4);
}

TEST_CASE("a grey image takes the luminance of a colour") {
    Image image(2, 1, 1);
    draw_pixel(image, 1, 0, {255, 255, 255});
    draw_pixel(image, 0, 0, red);
    CHECK(image.at(1, 0, 0) == 255);
    CHECK(image.at(0, 0, 0) == 76);
}

TEST_CASE("a montage without pictures or of grey ones is refused") {
    CHECK_THROWS_AS(montage({}), Error);
    CHECK_THROWS_AS(montage(std::vector<Image>{Image(2, 2, 1)}), Error);
    CHECK_THROWS_AS(montage(std::vector<Image>{Image(2, 2)}, {.columns = 0}), Error);
}
