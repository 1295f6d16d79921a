// SPDX-License-Identifier: MIT
// Patches of image files as batches on the device: order, crops and labels are those of a Loader on
// the host, the numbers those of patches of 8-bit pixels.
#include "program/patch_batches.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "files.hpp"
#include "tessera/core/random.hpp"
#include "tessera/cuda.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/train/fit.hpp"
#include "tessera/train/initialise.hpp"

using namespace tessera;
using namespace tessera::testing;
using namespace program;

namespace {

constexpr int extent = 11;
constexpr Shape part{3, 9, 9};
constexpr int batch_size = 16;
using Net = Seq<Conv<4, 3, Stride<2>>, ReLU, Linear<3>>;
using HostFloats = Batch<float, std::int32_t>;

Normaliser normaliser() {
    std::vector<float> mean(3 * extent * extent);
    Random random({.seed = 2});
    for (float& value : mean) value = random.uniform(80, 160);
    return {Shape{3, extent, extent}, mean, 1 / 60.0F};
}

/// Files of several sizes with boxes and labels; one file has no box.
struct Pictures {
    TemporaryFolder folder;
    std::vector<ImageBoxes> images;
    std::vector<std::int32_t> labels;

    Pictures() {
        Random random({.seed = 8});
        for (const Extent size : {Extent{40, 30}, {13, 21}, {50, 50}, {5, 9}, {25, 25}}) {
            Image image(size.width, size.height);
            for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
            const std::string path = folder / text(size.width, ".png");
            write_image(path, image);
            auto boxes = boxes_of(tile(size.width, size.height, {.lambdas = {1, 2}}));
            if (size.width == 50) boxes.clear();
            for (std::size_t i = 0; i < boxes.size(); ++i) {
                labels.push_back(static_cast<std::int32_t>(random.below(3)));
            }
            images.push_back({path, size.width, size.height, boxes});
        }
    }
    DecodedImages decoded(Index memory) const {
        DecodedImages result(images, memory);
        result.prepare("test");
        return result;
    }
};

/// The host's batches of the same patches.
class HostPatches {
public:
    HostPatches(const Pictures& pictures, const PatchBatchOptions& options)
        : mean_(normaliser()),
          loader_(
              {.samples = options.samples,
               .batch = options.batch,
               .workers = 0,
               .seed = options.seed,
               .shuffle = options.training,
               .whole_batches = options.training},
              [options] {
                  return Rows{std::vector<float>(std::size_t(options.batch * part.size())),
                              std::vector<std::int32_t>(std::size_t(options.batch))};
              },
              [this, &pictures, options](const LoaderSample& sample, Rows& rows) {
                  const auto index = static_cast<std::size_t>(sample.index);
                  const AugmentKey key{options.seed, sample.epoch,
                                       static_cast<std::uint32_t>(sample.index)};
                  const Extent full{extent, extent}, size{part.width, part.height};
                  mean_.write(
                      patches_[index],
                      options.training ? random_window(full, size, key) : centre_window(full, size),
                      size, rows.values.data() + sample.position * part.size());
                  rows.labels[std::size_t(sample.position)] = pictures.labels[index];
              }) {
        PatchExtractor extractor;
        for (const ImageBoxes& image : pictures.images) {
            for (Image& patch :
                 extractor.images(read_image(image.path), image.boxes, {extent, extent})) {
                patches_.push_back(std::move(patch));
            }
        }
    }

    long batches() const { return loader_.batches(); }
    void start(int epoch, long position) {
        loader_.start(static_cast<std::uint32_t>(epoch), position);
    }
    bool next(HostFloats& batch) {
        const auto loaded = loader_.next();
        if (!loaded.batch) return false;
        const auto size = loaded.samples.size();
        batch = {{loaded.batch->values.data(), static_cast<int>(size), part},
                 std::span(loaded.batch->labels).first(size)};
        return true;
    }

private:
    struct Rows {
        std::vector<float> values;
        std::vector<std::int32_t> labels;
    };
    Normaliser mean_;
    std::vector<Image> patches_;
    Loader<Rows> loader_;
};

/// All of an epoch from one of its batches on.
struct Copied {
    std::vector<float> values;
    std::vector<std::int32_t> labels;
    std::vector<int> sizes;
};

template <class BatchType, class Source>
Copied rest_of(Source& source, int epoch, long position = 0) {
    Copied copied;
    source.start(epoch, position);
    for (BatchType batch; source.next(batch);) {
        const auto values = to_host(batch.input);
        copied.values.insert(copied.values.end(), values.data, values.data + values.size());
        copied.labels.insert(copied.labels.end(), batch.targets.begin(), batch.targets.end());
        copied.sizes.push_back(batch.input.batch);
    }
    return copied;
}

/// Same bits where the kernels run on the processor. On a GPU a sum may be rounded to the other
/// side of half a byte, once in 10,000 times.
void check_same(const Copied& found, const Copied& expected) {
    CHECK(found.labels == expected.labels);
    CHECK(found.sizes == expected.sizes);
    REQUIRE(found.values.size() == expected.values.size());
    std::size_t far = 0;
    for (std::size_t i = 0; i < found.values.size(); ++i) {
        far += !(std::abs(found.values[i] - expected.values[i]) < 1e-5F);
    }
#ifdef __CUDACC__
    CHECK(far <= 1 + found.values.size() / 5000);
#else
    CHECK(far == 0);
    CHECK(found.values == expected.values);
#endif
}

PatchBatchOptions options_for(const Pictures& pictures, bool training, int workers = 2) {
    return {.extent = extent,
            .crop = part,
            .samples = std::ssize(pictures.labels),
            .batch = batch_size,
            .workers = workers,
            .seed = 11,
            .training = training};
}

constexpr Index everything = 1 << 20, some = 40 * 30 * 3 + 100;

}  // namespace

TEST_CASE("batches of every epoch are the host's, whatever is kept in memory") {
    const Pictures pictures;
    REQUIRE(pictures.labels.size() > 2 * batch_size);
    REQUIRE(pictures.labels.size() % batch_size != 0);
    for (const bool training : {false, true}) {
        HostPatches host(pictures, options_for(pictures, training));
        for (const Index memory : {everything, some, Index{0}}) {
            const DecodedImages images = pictures.decoded(memory);
            PatchBatches<Bf16> narrow(images, pictures.labels, normaliser(),
                                      options_for(pictures, training));
            const Copied wide = rest_of<HostFloats>(host, 1);
            const Copied rounded = rest_of<PatchBatches<Bf16>::BatchType>(narrow, 1);
            CHECK(rounded.labels == wide.labels);
            REQUIRE(rounded.values.size() == wide.values.size());
            for (std::size_t i = 0; i < wide.values.size(); ++i) {
                REQUIRE(rounded.values[i] == doctest::Approx(wide.values[i]).epsilon(0.004));
            }
            for (const int workers : {1, 3}) {
                PatchBatches source(images, pictures.labels, normaliser(),
                                    options_for(pictures, training, workers));
                CHECK(source.batches() == host.batches());
                for (int epoch = 0; epoch < 3; ++epoch) {
                    check_same(rest_of<PatchBatches<>::BatchType>(source, epoch),
                               rest_of<HostFloats>(host, epoch));
                }
            }
        }
    }
}

TEST_CASE("an epoch entered at any batch, and left at any, goes on with the same batches") {
    const Pictures pictures;
    const DecodedImages images = pictures.decoded(everything);
    const auto options = options_for(pictures, true);
    PatchBatches source(images, pictures.labels, normaliser(), options);
    HostPatches host(pictures, options);
    for (long position = 0; position <= source.batches(); ++position) {
        check_same(rest_of<PatchBatches<>::BatchType>(source, 2, position),
                   rest_of<HostFloats>(host, 2, position));
        PatchBatches<>::BatchType batch;
        source.start(1, 0);
        CHECK(source.next(batch));
    }
}

TEST_CASE("the first samples alone") {
    const Pictures pictures;
    const DecodedImages images = pictures.decoded(everything);
    auto options = options_for(pictures, false);
    options.samples = batch_size + 3;
    PatchBatches source(images, pictures.labels, normaliser(), options);
    HostPatches host(pictures, options);
    const auto found = rest_of<PatchBatches<>::BatchType>(source, 0);
    CHECK(found.sizes == std::vector<int>{batch_size, 3});
    check_same(found, rest_of<HostFloats>(host, 0));
}

TEST_CASE("fit takes them, and learns what it learns from the host's") {
    const Pictures pictures;
    const DecodedImages images = pictures.decoded(some);
    const auto options = options_for(pictures, true);
    const auto trained_with = [&](auto& source) {
        Model<Net, part, Cuda> model;
        initialise(model, He{}, 4);
        Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 0.05}, {.batch = batch_size});
        Progress progress;
        CHECK(fit(trainer, source, progress, {.epochs = 3}) == FitOutcome::finished);
        CHECK(progress.step == 3 * source.batches());
        auto workspace = model.workspace(1);
        const std::vector<float> probe(std::size_t(part.size()), 0.7F);
        const auto scores = to_host(model.forward(workspace, {probe.data(), 1, part}));
        return std::vector<float>(scores.data, scores.data + scores.size());
    };
    PatchBatches source(images, pictures.labels, normaliser(), options);
    HostPatches host(pictures, options);
    const auto found = trained_with(source), expected = trained_with(host);
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-3));
    }
#ifndef __CUDACC__
    CHECK(found == expected);
#endif
}

TEST_CASE("images are kept from the first on, as long as they fit; those without boxes are not") {
    const Pictures pictures;
    const auto kept_with = [&](Index memory) {
        return DecodedImages(pictures.images, memory).kept();
    };
    CHECK(kept_with(everything) == 4);
    CHECK(DecodedImages(pictures.images, 0).list().size() == 4);
    CHECK(kept_with(40 * 30 * 3) == 1);
    CHECK(kept_with(40 * 30 * 3 - 1) == 0);
    CHECK(kept_with(3 * (40 * 30 + 13 * 21 + 5 * 9)) == 3);
    CHECK(DecodedImages(pictures.images, 0).most_bytes() == 40 * 30 * 3);
}

TEST_CASE("a file that cannot be read is named, beforehand or when its batch's turn comes") {
    Pictures pictures;
    auto images = pictures.decoded(some);
    const std::string last = pictures.images.back().path;
    std::filesystem::remove(last);
    CHECK(has(message_of([&] { pictures.decoded(0); }), last));
    PatchBatches source(images, pictures.labels, normaliser(), options_for(pictures, false));
    source.start(0, 0);
    PatchBatches<>::BatchType batch;
    CHECK(source.next(batch));
    CHECK(has(message_of([&] {
                  while (source.next(batch)) {
                  }
              }),
              last));
    pictures.images.pop_back();
    pictures.images[1].height = 22;
    CHECK(has(message_of([&] { pictures.decoded(0); }),
              "13.png: found 13 x 21 pixels, expected 13 x 22 as the annotation says"));
}
