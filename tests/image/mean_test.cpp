// SPDX-License-Identifier: MIT
#include "tessera/image/mean.hpp"

#include <doctest/doctest.h>

#include "tessera/core/random.hpp"

using namespace tessera;

namespace {

Image noise(int width, int height, int channels, std::uint32_t sample) {
    Image image(width, height, channels);
    Random random({.seed = 5, .purpose = Purpose::generate, .sample = sample});
    for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
    return image;
}

}  // namespace

TEST_CASE("mean image and mean colour are exact") {
    MeanAccumulator mean;
    Image a(2, 1, 3), b(2, 1, 3);
    a.pixels = {0, 10, 20, 30, 40, 50};
    b.pixels = {1, 20, 20, 33, 40, 255};
    mean.add(a);
    mean.add(b);
    CHECK(mean.count() == 2);
    CHECK(mean.image() == std::vector<float>{0.5F, 15, 20, 31.5F, 40, 152.5F});
    CHECK(mean.pixel() == std::vector<float>{16, 27.5F, 86.25F});
}

TEST_CASE("parts summed on their own give the same bits as one sum in any order") {
    MeanAccumulator whole, first, second, empty;
    for (std::uint32_t i = 0; i < 50; ++i) {
        whole.add(noise(6, 5, 3, i));
        (i % 3 ? second : first).add(noise(6, 5, 3, i));
    }
    second.add(first);
    second.add(empty);
    empty.add(second);
    CHECK(empty.image() == whole.image());
    CHECK(empty.pixel() == whole.pixel());
}

TEST_CASE("images of different extents have no mean image") {
    MeanAccumulator mean;
    CHECK_THROWS_AS(mean.image(), Error);
    CHECK_THROWS_AS(mean.pixel(), Error);
    mean.add(noise(4, 4, 3, 0));
    CHECK_THROWS_AS(mean.add(noise(5, 4, 3, 0)), Error);
    CHECK_THROWS_AS(mean.add(Image()), Error);
}
