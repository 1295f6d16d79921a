// SPDX-License-Identifier: MIT
// Packed batches on the device are those of a loader on the host: order, crops, labels, bits.
#include "tessera/data/cuda/packed_batches.cuh"

#include <doctest/doctest.h>

#include <cstring>
#include <optional>
#include <vector>

#include "files.hpp"
#include "tessera/cuda.hpp"
#include "tessera/train/fit.hpp"
#include "train/toy.hpp"

using namespace tessera;
using namespace tessera::test;
using namespace tessera::testing;

namespace {

constexpr Extent part{8, 8};
constexpr int batch_size = 8;
const Normaliser normaliser({120, 90}, 1 / 60.0F);

/// A file of 27 images of 10 x 9 pixels in four classes, told apart by their brighter quarter.
struct Pack {
    TemporaryFolder folder;
    std::string path = folder / "pack";

    Pack() {
        PackedImageWriter writer(path, {.images = 27, .classes = 4, .shape = {2, 9, 10}});
        for (int n = 0; n < 27; ++n) {
            Image image(10, 9, 2);
            Random random({.seed = 4, .sample = static_cast<std::uint32_t>(n)});
            for (int y = 0; y < 9; ++y) {
                for (int x = 0; x < 10; ++x) {
                    const bool bright = y / 5 == n % 4 / 2 && x / 5 == n % 2;
                    for (int c = 0; c < 2; ++c) {
                        image.at(x, y, c) =
                            static_cast<std::uint8_t>(random.below(160) + (bright ? 90 : 0));
                    }
                }
            }
            writer.append(image, n % 4);
        }
        writer.finish();
    }
};

Image image_of(const PackedImages& images, Index n) {
    Image image(10, 9, 2);
    std::copy_n(images.image(n).data(), image.pixels.size(), image.pixels.data());
    return image;
}

/// The batches of the host: Loader, random_window, Normaliser.
class HostBatches {
public:
    HostBatches(const PackedImages& images, const cuda::PackedBatchOptions& options)
        : loader_(
              {.samples = images.size(),
               .batch = options.batch,
               .workers = 0,
               .seed = options.seed,
               .shuffle = options.augment,
               .whole_batches = options.whole_batches},
              [] {
                  return Rows{std::vector<float>(batch_size * 128), std::vector<int>(8)};
              },
              [&images, options](const LoaderSample& sample, Rows& rows) {
                  const AugmentKey key{options.seed, sample.epoch,
                                       static_cast<std::uint32_t>(sample.index)};
                  const Window window = options.augment ? random_window({10, 9}, part, key)
                                                        : centre_window({10, 9}, part);
                  normaliser.write(image_of(images, sample.index), window, part,
                                   rows.values.data() + sample.position * 128);
                  rows.labels[static_cast<std::size_t>(sample.position)] =
                      images.label(sample.index);
              }) {}

    long batches() const { return loader_.batches(); }
    void start(int epoch, long position) {
        loader_.start(static_cast<std::uint32_t>(epoch), position);
    }
    bool next(Batch<float, std::int32_t>& batch) {
        const auto loaded = loader_.next();
        if (!loaded.batch) return false;
        const auto size = loaded.samples.size();
        batch = {{loaded.batch->values.data(), static_cast<int>(size), toy_image},
                 std::span(loaded.batch->labels).first(size)};
        return true;
    }

private:
    struct Rows {
        std::vector<float> values;
        std::vector<std::int32_t> labels;
    };
    Loader<Rows> loader_;
};

using DeviceBatch = Batch<float, std::int32_t, cuda::DeviceMemory>;

struct Copied {
    std::vector<float> values;
    std::vector<std::int32_t> labels;

    friend bool operator==(const Copied&, const Copied&) = default;
};

template <class BatchType, class Source>
std::optional<Copied> next_of(Source& source) {
    BatchType batch;
    if (!source.next(batch)) return {};
    CHECK(batch.input.shape == toy_image);
    const auto values = to_host(batch.input);
    return Copied{{values.data, values.data + values.size()},
                  {batch.targets.begin(), batch.targets.end()}};
}

/// What comes from a batch to the end of the epoch.
template <class BatchType, class Source>
std::vector<Copied> rest_of(Source& source, int epoch, long position = 0) {
    std::vector<Copied> batches;
    source.start(epoch, position);
    while (auto batch = next_of<BatchType>(source)) batches.push_back(std::move(*batch));
    return batches;
}

}  // namespace

TEST_CASE(
    "the batches of every epoch have the host's order, crops and bits, the smaller last too") {
    const Pack pack;
    const PackedImages images(pack.path);
    for (const int workers : {0, 1, 3}) {
        for (const int prefetch : {1, 4}) {
            const cuda::PackedBatchOptions options{.crop = part,
                                                   .batch = batch_size,
                                                   .workers = workers,
                                                   .prefetch = prefetch,
                                                   .seed = 11};
            cuda::PackedBatches source(images, normaliser, options);
            HostBatches host(images, options);
            CHECK(source.batches() == 4);
            std::vector<Copied> before;
            for (int epoch = 0; epoch < 3; ++epoch) {
                const auto found = rest_of<DeviceBatch>(source, epoch);
                REQUIRE(found.size() == 4);
                CHECK(found == rest_of<Batch<float, std::int32_t>>(host, epoch));
                CHECK(found.back().labels.size() == 3);
                CHECK(found != before);
                CHECK_FALSE(next_of<DeviceBatch>(source));
                before = found;
            }
        }
    }
}

TEST_CASE("in bfloat16 they are the same, rounded") {
    const Pack pack;
    const PackedImages images(pack.path);
    const cuda::PackedBatchOptions options{.crop = part, .batch = batch_size, .seed = 11};
    cuda::PackedBatches source(images, normaliser, options);
    cuda::PackedBatches<Bf16> narrow(images, normaliser, options);
    auto expected = rest_of<DeviceBatch>(source, 1);
    for (Copied& batch : expected) {
        for (float& value : batch.values) value = Bf16(value);
    }
    CHECK(rest_of<Batch<Bf16, std::int32_t, cuda::DeviceMemory>>(narrow, 1) == expected);
}

TEST_CASE("the centres in order, and whole batches only") {
    const Pack pack;
    const PackedImages images(pack.path);
    for (const bool augment : {false, true}) {
        const cuda::PackedBatchOptions options{
            .crop = part, .batch = batch_size, .augment = augment, .whole_batches = true};
        cuda::PackedBatches source(images, normaliser, options);
        HostBatches host(images, options);
        CHECK(source.batches() == 3);
        const auto found = rest_of<DeviceBatch>(source, 1);
        CHECK(found.size() == 3);
        CHECK(found == rest_of<Batch<float, std::int32_t>>(host, 1));
        if (!augment) CHECK(found[0].labels == std::vector<std::int32_t>{0, 1, 2, 3, 0, 1, 2, 3});
    }
}

TEST_CASE("with a limit, images spread evenly over the file") {
    const Pack pack;
    const PackedImages images(pack.path);
    const auto labels_with = [&](Index limit) {
        cuda::PackedBatches source(
            images, normaliser,
            {.crop = part, .batch = batch_size, .augment = false, .limit = limit});
        std::vector<std::int32_t> labels;
        for (const Copied& batch : rest_of<DeviceBatch>(source, 0)) {
            labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
        }
        return labels;
    };
    CHECK(labels_with(5) == std::vector<std::int32_t>{0, 1, 2, 0, 1});  // 0, 5, 10, 16, 21
    CHECK(labels_with(0).size() == 27);
    CHECK(labels_with(100) == labels_with(0));
}

TEST_CASE("an epoch entered at any batch, and left at any, goes on with the same batches") {
    const Pack pack;
    const PackedImages images(pack.path);
    cuda::PackedBatches source(images, normaliser, {.crop = part, .batch = batch_size});
    const auto whole = rest_of<DeviceBatch>(source, 2);
    for (long position = 0; position <= 4; ++position) {
        for (int taken = 0; taken <= 4; ++taken) {
            source.start(0, 0);
            for (int i = 0; i < taken; ++i) next_of<DeviceBatch>(source);
            const auto rest = rest_of<DeviceBatch>(source, 2, position);
            CHECK(rest == std::vector<Copied>(whole.begin() + position, whole.end()));
        }
    }
    CHECK(has(message_of([&] { source.start(0, 5); }), "found first batch 5, expected 0..4"));
}

TEST_CASE("a source that goes in the middle of an epoch takes nothing with it") {
    const Pack pack;
    const PackedImages images(pack.path);
    for (int taken = -1; taken <= 5; ++taken) {
        cuda::PackedBatches source(images, normaliser,
                                   {.crop = part, .batch = batch_size, .workers = 2});
        if (taken >= 0) source.start(0, 0);
        for (int i = 0; i < taken; ++i) next_of<DeviceBatch>(source);
    }
}

TEST_CASE("a damaged label stops its own batch and no other before it") {
    const Pack pack;
    std::string words = words_of(pack.path);
    constexpr std::size_t record = 192;  // 180 bytes of pixels
    words[64 + 18 * record + 180] = 4;
    write_file(pack.path, words);
    const PackedImages images(pack.path);
    for (const int workers : {0, 2}) {
        cuda::PackedBatches source(
            images, normaliser,
            {.crop = part, .batch = batch_size, .workers = workers, .augment = false});
        source.start(0, 0);
        CHECK(next_of<DeviceBatch>(source));
        CHECK(next_of<DeviceBatch>(source));
        CHECK(message_of([&] { next_of<DeviceBatch>(source); }) ==
              pack.path + ": found label 4 of image 18, expected -1 to 3");
        CHECK_FALSE(next_of<DeviceBatch>(source));
        source.start(0, 3);
        CHECK(next_of<DeviceBatch>(source));
    }
}

TEST_CASE("crops that do not fit, other means and options that make no sense are refused") {
    const Pack pack;
    const PackedImages images(pack.path);
    const auto refusal = [&](const Normaliser& with, const cuda::PackedBatchOptions& options) {
        return message_of([&] { cuda::PackedBatches(images, with, options); });
    };
    CHECK(has(refusal(normaliser, {.crop = {11, 8}}), "a crop of 11 x 8 does not fit"));
    CHECK(has(refusal(normaliser, {.crop = {8, 0}}), "a crop of 8 x 0"));
    CHECK(has(refusal(Normaliser({1, 2, 3}, 1), {.crop = part}), "the mean is 3x1x1"));
    CHECK(has(refusal(normaliser, {.crop = part, .batch = 0}), "found batch size 0"));
    CHECK(has(refusal(normaliser, {.crop = part, .batch = -3}), "found batch size -3"));
    CHECK(has(refusal(normaliser, {.crop = part, .batch = 28, .whole_batches = true}),
              "at least one whole batch of 28"));
}

TEST_CASE("fit and evaluate take batches on the device, to the bits of those of the host") {
    const Pack pack;
    const PackedImages images(pack.path);
    const cuda::PackedBatchOptions options{.crop = part, .batch = batch_size, .seed = 3};
    cuda::PackedBatches source(images, normaliser, options);
    HostBatches host(images, options);
    const auto trained_with = [&](auto& batches) {
        auto model = toy_model<Cuda>();
        Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 0.05},
                        {.batch = batch_size, .seed = 5});
        Progress progress;
        CHECK(fit(trainer, batches, progress, {.epochs = 3}) == FitOutcome::finished);
        CHECK(progress.step == 12);
        return everything_of(trainer);
    };
    CHECK(trained_with(source) == trained_with(host));

    const auto model = toy_model<Cuda>();
    auto workspace = model.workspace(batch_size);
    source.start(0, 0);
    host.start(0, 0);
    const Evaluation found = evaluate(
        model, workspace, SoftmaxCrossEntropy{}, [&](auto& batch) { return source.next(batch); },
        DeviceBatch{});
    const Evaluation expected = evaluate(model, workspace, SoftmaxCrossEntropy{},
                                         [&](auto& batch) { return host.next(batch); });
    CHECK(found.samples == 27);
    CHECK(found.loss == expected.loss);
    CHECK(found.top1 == expected.top1);
}
