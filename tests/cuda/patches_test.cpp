// SPDX-License-Identifier: MIT
// Patches made on the device are those of the host's PatchExtractor.
#include "tessera/patch/cuda/patches.cuh"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "files.hpp"
#include "tessera/core/random.hpp"
#include "tessera/image/augment.hpp"
#include "tessera/patch/extract.hpp"
#include "tessera/patch/tile.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

Image noise(int width, int height, int channels, Random& random) {
    Image image(width, height, channels);
    for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
    return image;
}

/// How far a patch of the device is from the host's, relative to the scale of 255.
struct Difference {
    double worst = 0;
    Index other_bits = 0;
    Index numbers = 0;
};

/// A writer and where its samples go, kept from image to image.
class Comparison {
public:
    Comparison(const Normaliser& normaliser, int channels)
        : normaliser_(normaliser), writer_(normaliser, channels) {}

    Difference operator()(const Image& image, const std::vector<Box>& boxes, const Extent& resized,
                          const Window& window, const Extent& crop) {
        const Shape shape{image.channels, crop.height, crop.width};
        const auto batch = static_cast<int>(boxes.size());
        std::vector<float> expected(boxes.size() * static_cast<std::size_t>(shape.size()));
        PatchExtractor().samples(image, boxes, {resized, window, crop, normaliser_},
                                 expected.data());
        Buffer<float, cuda::DeviceMemory> samples(batch * shape.size());
        cuda::DeviceMemory::fill(samples.data(), std::byte{0xFF}, expected.size() * sizeof(float));
        const View<float, cuda::DeviceMemory> view{samples.data(), batch, shape};
        writer_.write(image, boxes, resized, window, view);
        const auto found = to_host(view);
        Difference difference;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const float value = found[static_cast<Index>(i)];
            const double error =
                std::abs(value - expected[i]) / (255.0 * double(normaliser_.scale()));
            if (!(error <= difference.worst)) difference.worst = error;
            difference.other_bits += value != expected[i];
        }
        difference.numbers = std::ssize(expected);
        return difference;
    }

private:
    Normaliser normaliser_;
    cuda::PatchWriter writer_;
};

Box random_box(const Extent& image, double smallest, double largest, Random& random) {
    const double width = image.width * double(random.uniform(float(smallest), float(largest)));
    const double height = image.height * double(random.uniform(float(smallest), float(largest)));
    const double left = (image.width - width) * double(random.uniform(-0.5F, 1.5F));
    const double top = (image.height - height) * double(random.uniform(-0.5F, 1.5F));
    return {left, top, left + width, top + height};
}

constexpr double tolerance = 1e-5;

}  // namespace

TEST_CASE("the patches of a tiling, in colour and grey, cut, turned or whole") {
    Random random({.seed = 1});
    for (const int channels : {1, 3}) {
        const Image image = noise(61, 47, channels, random);
        const auto boxes = boxes_of(tile(61, 47, Tiling::dense()));
        const std::vector<float> colour{117.3F, 104.1F, 123.9F};
        Comparison compare(Normaliser({colour.begin(), colour.begin() + channels}, 1.0F / 58),
                           channels);
        for (const Window& window : {Window{3, 2}, Window{3, 2, true}, Window{}}) {
            const auto difference = compare(image, boxes, {20, 22}, window, {17, 13});
            CHECK(difference.worst < tolerance);
#ifndef __CUDACC__
            CHECK(difference.other_bits == 0);
#endif
        }
        CHECK(compare(image, boxes, {16, 16}, {}, {16, 16}).worst < tolerance);
    }
}

TEST_CASE("a tiling at the extent of a network, in blocks that the rows do not fill") {
    Random random({.seed = 2});
    const Image image = noise(240, 180, 3, random);
    const auto tiles = boxes_of(tile(240, 180));
    std::vector<Box> boxes;
    for (std::size_t i = 0; i < tiles.size(); i += 23) boxes.push_back(tiles[i]);
    Comparison compare(Normaliser({124, 117, 104}, 1), 3);
    CHECK(compare(image, boxes, {227, 227}, {}, {227, 227}).worst < tolerance);
    CHECK(compare(image, boxes, {256, 256}, {16, 16, true}, {224, 224}).worst < tolerance);
}

TEST_CASE(
    "boxes of any size and place: fractional, tiny, beyond the border, larger than the image") {
    Random random({.seed = 3});
    for (const int channels : {1, 3, 4}) {
        Comparison compare(Normaliser(0.25F), channels);
        for (const Extent whole : {Extent{50, 40}, {7, 90}, {3, 2}, {1, 1}}) {
            const Image image = noise(whole.width, whole.height, channels, random);
            std::vector<Box> boxes{
                {0, 0, double(whole.width), double(whole.height)},
                {0.25, 0.5, 0.26, 0.75},
                {-4.0 * whole.width, -3.3 * whole.height, 5.5 * whole.width, 4.0 * whole.height},
                {2.0 * whole.width, -60.0 * whole.height, 2.0 * whole.width + 1,
                 60.0 * whole.height},
                {-1, -1, 1.5, 0.5}};
            for (int i = 0; i < 12; ++i) {
                boxes.push_back(random_box(whole, 0.01, 0.5, random));
                boxes.push_back(random_box(whole, 0.3, 3, random));
                boxes.push_back(random_box(whole, 2, 12, random));
            }
            CHECK(compare(image, boxes, {9, 11}, {}, {9, 11}).worst < tolerance);
            CHECK(compare(image, boxes, {40, 30}, {5, 0, true}, {30, 29}).worst < tolerance);
            CHECK(compare(image, boxes, {1, 1}, {}, {1, 1}).worst < tolerance);
        }
    }
}

TEST_CASE("where boxes and pixels fall together, rounding moves nothing") {
    Random random({.seed = 4});
    const Image image = noise(90, 90, 1, random);
    std::vector<Box> boxes;
    for (const double side : {10.0, 15.0, 30.0, 60.0, 90.0}) {
        for (const double step : {1.0, 0.5, 1.0 / 3, 0.1}) {
            for (int i = 0; i < 8; ++i) {
                boxes.push_back({i * step, 3 * i * step, i * step + side, 3 * i * step + side});
            }
        }
    }
    Comparison compare(Normaliser(), 1);
    for (const int extent : {10, 15, 30, 45}) {
        const auto difference = compare(image, boxes, {extent, extent}, {}, {extent, extent});
        CHECK(difference.worst < 1e-6);
    }
}

TEST_CASE("a mean image is subtracted where a pixel of the resized box lies") {
    Random random({.seed = 5});
    const Shape shape{3, 20, 24};
    std::vector<float> mean(static_cast<std::size_t>(shape.size()));
    for (float& value : mean) value = random.uniform(0, 255);
    const Image image = noise(33, 44, 3, random);
    const auto boxes = boxes_of(tile(33, 44));
    Comparison compare(Normaliser(shape, mean, 1 / 60.0F), 3);
    for (const bool mirrored : {false, true}) {
        CHECK(compare(image, boxes, {24, 20}, {3, 2, mirrored}, {16, 14}).worst < tolerance);
        CHECK(compare(image, boxes, {24, 20}, {0, 0, mirrored}, {24, 20}).worst < tolerance);
    }
}

TEST_CASE("one writer does images of all sizes, one after the other, without a wait between them") {
    Random random({.seed = 6});
    cuda::PatchWriter writer(Normaliser(), 3);
    const Shape shape{3, 12, 12};
    std::vector<Image> images;
    std::vector<std::vector<Box>> boxes;
    int patches = 0;
    for (const Extent whole : {Extent{20, 30}, {64, 50}, {8, 8}, {31, 64}, {64, 64}}) {
        images.push_back(noise(whole.width, whole.height, 3, random));
        boxes.push_back(boxes_of(tile(whole.width, whole.height)));
        patches += static_cast<int>(boxes.back().size());
    }
    Buffer<float, cuda::DeviceMemory> samples(patches * shape.size());
    View<float, cuda::DeviceMemory> rest{samples.data(), patches, shape};
    for (std::size_t i = 0; i < images.size(); ++i) {
        Image passing = images[i];
        const auto count = static_cast<int>(boxes[i].size());
        const View<float, cuda::DeviceMemory> own{rest.data, count, shape};
        writer.write(passing, boxes[i], {12, 12}, {}, own);
        std::fill(passing.pixels.begin(), passing.pixels.end(), std::uint8_t{0});
        rest.data = rest.sample(count);
    }
    const auto found = to_host(View<float, cuda::DeviceMemory>{samples.data(), patches, shape});
    std::vector<float> expected(static_cast<std::size_t>(samples.size()));
    float* next = expected.data();
    for (std::size_t i = 0; i < images.size(); ++i) {
        PatchExtractor().samples(images[i], boxes[i], {{12, 12}, {}, {12, 12}, Normaliser()}, next);
        next += std::ssize(boxes[i]) * shape.size();
    }
    double worst = 0;
    for (Index i = 0; i < samples.size(); ++i) {
        const double error = std::abs(found[i] - expected[static_cast<std::size_t>(i)]) / 255.0;
        if (!(error <= worst)) worst = error;
    }
    CHECK(worst < tolerance);
}

TEST_CASE("boxes as they are and turned, one behind the other, are those of two windows") {
    Random random({.seed = 7});
    const Shape shape{3, 13, 17};
    std::vector<float> mean(20 * 22 * 3);
    for (float& value : mean) value = random.uniform(0, 255);
    cuda::PatchWriter writer(Normaliser({3, 22, 20}, mean, 0.5F), 3);
    const Image image = noise(61, 47, 3, random);
    std::vector<Box> boxes = boxes_of(tile(61, 47));
    boxes.resize(9);
    boxes.push_back({-300, -200, 400, 300});  // as many taps as there are pixels
    const auto count = static_cast<int>(boxes.size());
    Buffer<float, cuda::DeviceMemory> memory(2 * count * shape.size());
    const auto made = [&](int samples, const Window& window, bool mirrored_too) {
        const View<float, cuda::DeviceMemory> view{memory.data(), samples, shape};
        writer.write(image, boxes, {20, 22}, window, view, mirrored_too);
        return to_host(view);
    };
    for (const bool first_turned : {false, true}) {
        const auto both = made(2 * count, {3, 2, first_turned}, true);
        for (const bool second : {false, true}) {
            const auto one = made(count, {3, 2, first_turned != second}, false);
            Index other = 0;
            for (Index i = 0; i < one.size(); ++i) {
                const Index box = i / shape.size(), rest = i % shape.size();
                other += one[i] != both[(2 * box + (second ? 1 : 0)) * shape.size() + rest];
            }
            CHECK(other == 0);
        }
    }
    CHECK(has(message_of([&] { made(count, {}, true); }), "expected twice as many"));
}

TEST_CASE("boxes of as many images in one block, each with its window, of floats and of bytes") {
    Random random({.seed = 8});
    const Extent resized{24, 20}, crop{16, 14};
    const Shape shape{3, crop.height, crop.width};
    std::vector<float> mean(24 * 20 * 3);
    for (float& value : mean) value = random.uniform(0, 255);
    const Normaliser normaliser({3, 20, 24}, mean, 1 / 60.0F);
    std::vector<Image> images;
    std::vector<cuda::Cut> cuts;
    std::vector<std::uint8_t> block(5);  // images may begin anywhere
    for (std::uint32_t n = 0; n < 40; ++n) {
        const Extent whole{1 + static_cast<int>(random.below(70)),
                           1 + static_cast<int>(random.below(70))};
        images.push_back(noise(whole.width, whole.height, 3, random));
        cuts.push_back({.first = std::ssize(block),
                        .width = whole.width,
                        .height = whole.height,
                        .box = random_box(whole, 0.05, n % 2 ? 1 : 4, random),
                        .window = random_window(resized, crop, {5, 6, n})});
        block.insert(block.end(), images.back().pixels.begin(), images.back().pixels.end());
    }
    block.resize(block.size() + 8 * 3);
    const Index bytes = std::ssize(block);
    Buffer<std::uint8_t, cuda::DeviceMemory> pixels(bytes);
    copy_numbers<cuda::DeviceMemory, HostMemory>(pixels.data(), block.data(), bytes);
    Buffer<float, cuda::DeviceMemory> samples(40 * shape.size());
    const View<float, cuda::DeviceMemory> view{samples.data(), 40, shape};
    PatchExtractor extractor;
    for (const auto kind : {cuda::ResizedTo::floats, cuda::ResizedTo::bytes}) {
        const bool eight_bits = kind == cuda::ResizedTo::bytes;
        cuda::DeviceMemory::fill(samples.data(), std::byte{0xFF},
                                 static_cast<std::size_t>(view.size()) * sizeof(float));
        cuda::PatchWriter writer(normaliser, 3, kind);
        writer.write(pixels.data(), bytes, cuts, resized, view);
        const auto found = to_host(view);
        std::vector<float> expected(static_cast<std::size_t>(shape.size()));
        Index far = 0, other_bits = 0;
        for (int n = 0; n < 40; ++n) {
            const auto i = static_cast<std::size_t>(n);
            const std::span<const Box> box(&cuts[i].box, 1);
            if (eight_bits) {
                normaliser.write(extractor.images(images[i], box, resized)[0], cuts[i].window, crop,
                                 expected.data());
            } else {
                extractor.samples(images[i], box, {resized, cuts[i].window, crop, normaliser},
                                  expected.data());
            }
            for (Index k = 0; k < shape.size(); ++k) {
                const float one = found.sample(n)[k], other = expected[static_cast<std::size_t>(k)];
                far += !(std::abs(one - other) < tolerance * 255 / 60);
                other_bits += one != other;
            }
        }
        // On a GPU a sum may be rounded to the other side of half a byte, once in 10,000 times.
        CHECK(far <= (eight_bits ? view.size() / 5000 : 0));
#ifndef __CUDACC__
        CHECK(far == 0);
        if (eight_bits) CHECK(other_bits == 0);
#endif
    }
}

TEST_CASE("cuts whose image leaves the block are refused") {
    Buffer<std::uint8_t, cuda::DeviceMemory> block(300);
    Buffer<float, cuda::DeviceMemory> samples(96);
    const View<float, cuda::DeviceMemory> one{samples.data(), 1, {3, 4, 4}};
    cuda::PatchWriter writer(Normaliser(), 3);
    const auto refusal = [&](const cuda::Cut& cut) {
        return message_of([&] { writer.write(block.data(), 300, {&cut, 1}, {5, 5}, one); });
    };
    const Box box{0, 0, 4, 4};
    CHECK(refusal({0, 10, 10, box, {1, 1}}) == "no error");
    CHECK(has(refusal({1, 10, 10, box, {}}), "begins at byte 1 and is read to 301, expected 0 to"));
    CHECK(has(refusal({-1, 10, 5, box, {}}), "begins at byte -1"));
    CHECK(has(refusal({0, 5, 20, box, {}}), "is read to 309"));  // 3 of 8 columns are missing
    CHECK(has(refusal({0, 0, 5, box, {}}), "an image is 0 x 5"));
    CHECK(has(refusal({0, 10, 10, box, {2, 0}}), "leaves the image of 5 x 5"));
    CHECK(has(refusal({0, 10, 10, {3, 3, 3, 5}, {}}), "the box reaches from 3 to 3"));
    const std::vector<cuda::Cut> two(2, {0, 10, 10, box, {}});
    CHECK(has(message_of([&] {
                  writer.write(block.data(), 300, two, {5, 5}, one);
              }),
              "found 2 boxes for 1 samples of 3x4x4"));
    CHECK(message_of([&] {
              writer.write(block.data(), 300, {}, {5, 5},
                           View<float, cuda::DeviceMemory>{nullptr, 0, {3, 4, 4}});
          }) == "no error");
}

TEST_CASE("what makes no sense is refused with the host's words, and no box is no work") {
    Buffer<float, cuda::DeviceMemory> memory(96);
    const View<float, cuda::DeviceMemory> two{memory.data(), 2, {3, 4, 4}};
    const View<float, cuda::DeviceMemory> one{memory.data(), 1, {3, 4, 4}};
    cuda::PatchWriter writer(Normaliser(), 3);
    const Image image(8, 6);
    const auto refusal = [&](const Image& from, const std::vector<Box>& boxes,
                             const Extent& resized, const Window& window,
                             const View<float, cuda::DeviceMemory>& to) {
        return message_of([&] { writer.write(from, boxes, resized, window, to); });
    };
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    const std::vector<Box> good{{0, 0, 4, 4}};
    CHECK(refusal(image, good, {5, 5}, {1, 1}, one) == "no error");
    CHECK(refusal(image, {}, {5, 5}, {1, 1}, {nullptr, 0, {3, 4, 4}}) == "no error");
    CHECK(has(refusal(Image(), good, {4, 4}, {}, one), "the image is empty"));
    CHECK(has(refusal(Image(8, 6, 1), good, {4, 4}, {}, one),
              "found 1 boxes of an image of 1x6x8 for 1 samples of 3x4x4, expected as many, of 3"));
    CHECK(has(refusal(image, good, {4, 4}, {}, two), "found 1 boxes"));
    CHECK(has(refusal(image, good, {4, 4}, {1, 0}, one), "leaves the image of 4 x 4"));
    CHECK(has(refusal(image, {{3, 3, 3, 5}}, {4, 4}, {}, one),
              "the box reaches from 3 to 3 on an axis of 8 pixels"));
    CHECK(has(refusal(image, {{0, 4, 1, 3}}, {4, 4}, {}, one), "from 4 to 3 on an axis of 6"));
    CHECK(has(refusal(image, {{nothing, 0, 1, 1}}, {4, 4}, {}, one), "the box reaches from"));
    CHECK(has(refusal(image, {{0, 0, 600, 1}}, {4, 4}, {}, one), "from 0 to 600"));
    cuda::PatchWriter other(Normaliser({1, 2}, 1), 3);
    CHECK(has(message_of([&] { other.write(image, good, {4, 4}, {}, one); }), "the mean is 2x1x1"));
}
