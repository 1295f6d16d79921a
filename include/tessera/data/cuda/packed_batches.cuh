// SPDX-License-Identifier: MIT
// PackedBatches: packed images as batches on the device.
//
// The crops of a batch are made there by one kernel. A batch of 512 images of 256 x 256 is 101 MB:
// 2 milliseconds of a bus of 55 GB/s, and 9 of one thread that gathers them from a file in memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "tessera/core/view.hpp"
#include "tessera/data/cuda/uploaded_batches.cuh"
#include "tessera/data/packed_images.hpp"
#include "tessera/image/augment.hpp"
#include "tessera/image/cuda/crops.cuh"

namespace tessera::cuda {

struct PackedBatchOptions {
    Extent crop{};
    int batch = 128;
    int workers = 1;   ///< threads that gather; 0 works on the consumer's thread
    int prefetch = 2;  ///< batches gathered ahead of the one on its way to the device
    std::uint64_t seed = 1;
    bool augment = true;         ///< random crop, mirror and order; else the centre, in order
    bool whole_batches = false;  ///< leave out the images of an incomplete last batch
    Index limit = 0;             ///< that many images, spread evenly over the file; 0: all
};

/// A source for fit() and evaluate() on the device. Order, crops and mirrors depend on (seed,
/// epoch, image) only and are those of a Loader on the host that takes random_window() for the same
/// key; the numbers have the same bits. To be used by one thread, the one that trains.
template <class T = float>
class PackedBatches {
public:
    /// `images` must outlive the source. Throws Error for options that make no sense, a crop that
    /// does not fit in the images, or a mean of another shape.
    PackedBatches(const PackedImages& images, const Normaliser& normaliser,
                  const PackedBatchOptions& options)
        : shape_{images.set().shape.channels, options.crop.height, options.crop.width},
          image_bytes_(images.set().shape.size()),
          writer_(checked(normaliser, images.set().shape, options.crop), shape_.channels),
          batches_(
              {.samples =
                   options.limit > 0 ? std::min(options.limit, images.size()) : images.size(),
               .batch = options.batch,
               .workers = options.workers,
               .prefetch = options.prefetch,
               .seed = options.seed,
               .shuffle = options.augment,
               .whole_batches = options.whole_batches},
              [options, bytes = image_bytes_] { return Gathered(options.batch, bytes); },
              [&images, options](const LoaderSample& sample, Gathered& batch) {
                  batch.take(images, sample, options);
              },
              options.batch * image_bytes_),
          samples_(options.batch * shape_.size()) {
        labels_.reserve(static_cast<std::size_t>(options.batch));
    }

    /// Per epoch.
    long batches() const { return batches_.batches(); }

    /// Begins an epoch at one of its batches; what is left of another epoch is dropped.
    void start(int epoch, long position) { batches_.start(epoch, position); }

    /// Sets batch.input to crops on the device, a View<const T, DeviceMemory>, and
    /// batch.targets to their labels on the host, both good until the next call. False after the
    /// epoch's last batch. Throws what Loader::next() throws.
    template <class BatchType>
    requires requires(BatchType& batch, View<const T, DeviceMemory> input,
                      std::span<const std::int32_t> targets) {
        batch.input = input;
        batch.targets = targets;
    }
    bool next(BatchType& batch) {
        return batches_.next([&](const Gathered& gathered, int size, const std::uint8_t* pixels) {
            const View<T, DeviceMemory> samples{samples_.data(), size, shape_};
            writer_.write(pixels, size * image_bytes_, std::span(gathered.crops).first(size),
                          samples);
            labels_.assign(gathered.labels.begin(), gathered.labels.begin() + size);
            batch.input = samples;
            batch.targets = labels_;
        });
    }

private:
    /// A batch in the host's memory.
    struct Gathered {
        Buffer<std::uint8_t, PinnedMemory> pixels;
        std::vector<std::int32_t> labels;
        std::vector<Crop> crops;
        Index image_bytes;

        Gathered(int batch, Index bytes)
            : pixels(batch * bytes),
              labels(static_cast<std::size_t>(batch)),
              crops(static_cast<std::size_t>(batch)),
              image_bytes(bytes) {}

        void take(const PackedImages& images, const LoaderSample& sample,
                  const PackedBatchOptions& options) {
            const Shape shape = images.set().shape;
            const Extent whole{shape.width, shape.height};
            const auto place = static_cast<std::size_t>(sample.position);
            const Index first = sample.position * shape.size();
            const bool spread = options.limit > 0 && options.limit < images.size();
            const Index index =
                spread ? sample.index * images.size() / options.limit : sample.index;
            const AugmentKey key{options.seed, sample.epoch, static_cast<std::uint32_t>(index)};
            const Window window = options.augment ? random_window(whole, options.crop, key)
                                                  : centre_window(whole, options.crop);
            labels[place] = images.label(index);
            crops[place] = {first, shape.width, shape.height, window};
            const auto from = images.image(index);
            std::memcpy(pixels.data() + first, from.data(), from.size());
        }
        void send(SideStream& stream, std::uint8_t* to, int samples) const {
            stream.upload(to, pixels.data(), static_cast<std::size_t>(samples * image_bytes));
        }
    };

    static const Normaliser& checked(const Normaliser& normaliser, const Shape& image,
                                     const Extent& crop) {
        normaliser.check(image, centre_window({image.width, image.height}, crop), crop);
        return normaliser;
    }

    Shape shape_;  // of a crop
    Index image_bytes_;
    CropWriter writer_;
    UploadedBatches<Gathered> batches_;
    Buffer<T, DeviceMemory> samples_;  // of the batch in use
    std::vector<std::int32_t> labels_;
};

}  // namespace tessera::cuda
