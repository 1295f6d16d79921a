// SPDX-License-Identifier: MIT
#include "tessera/image/augment.hpp"

#include <doctest/doctest.h>

#include <set>
#include <utility>

using namespace tessera;

namespace {

constexpr Extent image_extent{64, 60};
constexpr Extent crop_extent{56, 56};

Image numbered(int width, int height) {
    Image image(width, height, 1);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = std::uint8_t(i * 5);
    return image;
}

}  // namespace

TEST_CASE("the same key gives the same crop in any order, another key another") {
    const Window first = random_window(image_extent, crop_extent, {1, 2, 3});
    int same = 0;
    for (std::uint32_t sample = 50; sample-- > 0;) {
        const Window again = random_window(image_extent, crop_extent, {1, 2, sample});
        if (sample == 3) CHECK(again == first);
        same += again == first;
    }
    CHECK(same < 10);
    CHECK(random_window({640, 640}, crop_extent, {1, 2, 3}) !=
          random_window({640, 640}, crop_extent, {2, 2, 3}));
    CHECK(random_window({640, 640}, crop_extent, {1, 2, 3}) !=
          random_window({640, 640}, crop_extent, {1, 1, 3}));
}

TEST_CASE("random crops reach every position inside the image, mirrored half the time") {
    std::set<std::pair<int, int>> places;
    int mirrored = 0;
    constexpr int draws = 4000;
    for (std::uint32_t sample = 0; sample < draws; ++sample) {
        const Window window = random_window(image_extent, crop_extent, {7, 0, sample});
        CHECK(window.left >= 0);
        CHECK(window.left <= 8);
        CHECK(window.top >= 0);
        CHECK(window.top <= 4);
        places.insert({window.left, window.top});
        mirrored += window.mirrored;
    }
    CHECK(places.size() == 9 * 5);
    CHECK(std::abs(mirrored - draws / 2) < 150);
}

TEST_CASE("without mirroring the positions stay the same") {
    const Window with = random_window(image_extent, crop_extent, {4, 5, 6});
    const Window without = random_window(image_extent, crop_extent, {4, 5, 6}, false);
    CHECK(without == Window{with.left, with.top, false});
}

TEST_CASE("ten crops: corners and centre in the documented order, then mirrored") {
    const auto windows = ten_windows({10, 8}, {4, 5});
    CHECK(windows[0] == Window{0, 0});
    CHECK(windows[1] == Window{6, 0});
    CHECK(windows[2] == Window{3, 1});
    CHECK(windows[3] == Window{0, 3});
    CHECK(windows[4] == Window{6, 3});
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK(windows[i + 5] == Window{windows[i].left, windows[i].top, true});
    }
}

TEST_CASE("a reflected window shows the same in the mirrored image") {
    const Image image = numbered(11, 7);
    for (const Window& window : ten_windows({11, 7}, {4, 3})) {
        const Window other = reflected(window, {11, 7}, {4, 3});
        CHECK(crop(mirror(image), other, {4, 3}) == crop(image, window, {4, 3}));
    }
}

TEST_CASE("a crop of the whole image has one place, and a larger one is refused") {
    CHECK(centre_window({5, 5}, {5, 5}) == Window{});
    CHECK(random_window({5, 5}, {5, 5}, {1, 1, 1}, false) == Window{});
    CHECK_THROWS_AS(random_window({5, 5}, {6, 5}, {}), Error);
    CHECK_THROWS_AS(centre_window({5, 5}, {5, 6}), Error);
    CHECK_THROWS_AS(ten_windows({5, 5}, {0, 5}), Error);
}

TEST_CASE("zooms keep the proportions, stay inside and have all sizes from the smallest on") {
    double least = 1, most = 0;
    for (std::uint32_t sample = 0; sample < 2000; ++sample) {
        const Box box = random_zoom(image_extent, 0.5, {1, 0, sample});
        const double side = (box.right - box.left) / image_extent.width;
        CHECK((box.bottom - box.top) / image_extent.height == doctest::Approx(side));
        CHECK(box.left >= 0);
        CHECK(box.top >= 0);
        CHECK(box.right <= image_extent.width + 1e-9);
        CHECK(box.bottom <= image_extent.height + 1e-9);
        least = std::min(least, side);
        most = std::max(most, side);
    }
    CHECK(least >= 0.5);
    CHECK(least < 0.51);
    CHECK(most > 0.99);
    CHECK(random_zoom(image_extent, 1, {1, 0, 0}) == Box{0, 0, 64, 60});
    CHECK(random_zoom(image_extent, 0.5, {1, 2, 3}) == random_zoom(image_extent, 0.5, {1, 2, 3}));
    CHECK_THROWS_AS(random_zoom(image_extent, 0, {}), Error);
    CHECK_THROWS_AS(random_zoom(image_extent, 1.5, {}), Error);
}
