// SPDX-License-Identifier: MIT
// Crops on the device: the bits of the host's Normaliser.
#include "tessera/image/cuda/crops.cuh"

#include <doctest/doctest.h>

#include <vector>

#include "files.hpp"
#include "tessera/core/random.hpp"
#include "tessera/image/augment.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

struct Pictures {
    std::vector<Image> images;
    std::vector<std::uint8_t> block;
    std::vector<cuda::Crop> crops;

    void add(const Extent& extent, int channels, const Window& window, Random& random) {
        Image image(extent.width, extent.height, channels);
        for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
        crops.push_back({static_cast<Index>(block.size()), extent.width, extent.height, window});
        block.insert(block.end(), image.pixels.begin(), image.pixels.end());
        images.push_back(std::move(image));
    }
};

/// The crops made on both sides must have the same bits.
template <class T>
void check_in(const Pictures& pictures, const Normaliser& normaliser, const Extent& extent) {
    const int batch = static_cast<int>(pictures.images.size());
    const Shape shape{pictures.images[0].channels, extent.height, extent.width};
    std::vector<T> expected(static_cast<std::size_t>(batch * shape.size()));
    for (int n = 0; n < batch; ++n) {
        const auto i = static_cast<std::size_t>(n);
        normaliser.write(pictures.images[i], pictures.crops[i].window, extent,
                         expected.data() + n * shape.size());
    }
    const auto bytes = static_cast<Index>(pictures.block.size());
    Buffer<std::uint8_t, cuda::DeviceMemory> block(bytes);
    copy_numbers<cuda::DeviceMemory, HostMemory>(block.data(), pictures.block.data(), bytes);
    Buffer<T, cuda::DeviceMemory> samples(batch * shape.size());
    cuda::DeviceMemory::fill(samples.data(), std::byte{0xFF}, expected.size() * sizeof(T));
    const View<T, cuda::DeviceMemory> view{samples.data(), batch, shape};
    cuda::CropWriter writer(normaliser, shape.channels);
    writer.write(block.data(), bytes, pictures.crops, view);
    const auto found = to_host(view);
    CHECK(std::vector<T>(found.data, found.data + found.size()) == expected);
}
void check(const Pictures& pictures, const Normaliser& normaliser, const Extent& extent) {
    check_in<float>(pictures, normaliser, extent);
    check_in<Bf16>(pictures, normaliser, extent);
}

}  // namespace

TEST_CASE("random crops of images of any extent, one colour as mean") {
    Random random({.seed = 1});
    for (const Extent extent : {Extent{224, 224}, {5, 7}, {8, 3}, {1, 1}}) {
        for (const int channels : {1, 3}) {
            Pictures pictures;
            for (std::uint32_t n = 0; n < 5; ++n) {
                const Extent whole{extent.width + static_cast<int>(random.below(20)),
                                   extent.height + static_cast<int>(random.below(20))};
                pictures.add(whole, channels, random_window(whole, extent, {1, 2, n}), random);
            }
            check(pictures, Normaliser(), extent);
            check(pictures,
                  Normaliser(std::vector<float>(static_cast<std::size_t>(channels), 117.3F),
                             1.0F / 58),
                  extent);
        }
    }
}

TEST_CASE("a mean image is subtracted where a pixel comes from, turned crops included") {
    Random random({.seed = 2});
    const Shape shape{3, 20, 24};
    std::vector<float> mean(static_cast<std::size_t>(shape.size()));
    for (float& value : mean) value = random.uniform(0, 255);
    const Extent whole{24, 20};
    for (const Extent extent : {Extent{16, 16}, {24, 20}, {7, 5}}) {
        Pictures pictures;
        for (std::uint32_t n = 0; n < 6; ++n) {
            pictures.add(whole, 3, random_window(whole, extent, {3, 4, n}), random);
        }
        check(pictures, Normaliser(shape, mean, 0.5F), extent);
    }
}

TEST_CASE("crops that leave their image, and images that leave the block, are refused") {
    Buffer<std::uint8_t, cuda::DeviceMemory> block(300);
    Buffer<float, cuda::DeviceMemory> samples(48);
    const View<float, cuda::DeviceMemory> view{samples.data(), 1, {3, 4, 4}};
    cuda::CropWriter writer(Normaliser(), 3);
    const auto refusal = [&](const cuda::Crop& crop) {
        return message_of([&] { writer.write(block.data(), 300, std::span(&crop, 1), view); });
    };
    CHECK(refusal({0, 10, 10, {6, 6, true}}) == "no error");
    CHECK(has(refusal({0, 10, 10, {7, 0, false}}), "leaves the image of 10 x 10"));
    CHECK(has(refusal({1, 10, 10, {}}),
              "an image begins at byte 1 and ends at 301, expected 0 to 300"));
    CHECK(has(refusal({-3, 10, 10, {}}), "begins at byte -3"));
    const std::vector<cuda::Crop> two(2, cuda::Crop{0, 10, 10, {}});
    CHECK(has(message_of([&] { writer.write(block.data(), 300, two, view); }),
              "found 2 crops for 1 samples of 3x4x4"));
}
