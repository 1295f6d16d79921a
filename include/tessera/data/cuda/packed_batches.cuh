// SPDX-License-Identifier: MIT
// PackedBatches: packed images as batches on the device.
//
// Threads gather the images of the next batches in pinned memory; one batch crosses the bus while
// the network works on the one before; its crops are made there by one kernel. A batch of 512
// images of 256 x 256 is 101 MB: 2 milliseconds of a bus of 55 GB/s, and 9 of one thread
// that gathers them from a file in memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <span>
#include <utility>
#include <vector>

#include "tessera/backend/cuda/runtime.cuh"
#include "tessera/core/view.hpp"
#include "tessera/data/loader.hpp"
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
class PackedBatches {
public:
    /// `images` must outlive the source. Throws Error for options that make no sense, a crop that
    /// does not fit in the images, or a mean of another shape.
    PackedBatches(const PackedImages& images, const Normaliser& normaliser,
                  const PackedBatchOptions& options)
        : shape_{images.set().shape.channels, options.crop.height, options.crop.width},
          image_bytes_(images.set().shape.size()),
          writer_(checked(normaliser, images.set().shape, options.crop), shape_.channels),
          loader_(
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
              }),
          pixels_(options.batch * image_bytes_),
          samples_(options.batch * shape_.size()) {
        labels_.reserve(static_cast<std::size_t>(options.batch));
    }

    /// Per epoch.
    long batches() const { return static_cast<long>(loader_.batches()); }

    /// Begins an epoch at one of its batches; what is left of another epoch is dropped.
    void start(int epoch, long position) {
        sent_.wait();  // the loader fills its memory again
        coming_ = {};
        failure_ = nullptr;
        loader_.start(static_cast<std::uint32_t>(epoch), position);
        send_next();
    }

    /// Sets batch.input to crops on the device, a View<const float, DeviceMemory>, and
    /// batch.targets to their labels on the host, both good until the next call. False after the
    /// epoch's last batch. Throws what Loader::next() throws.
    template <class BatchType>
    requires requires(BatchType& batch, View<const float, DeviceMemory> input,
                      std::span<const std::int32_t> targets) {
        batch.input = input;
        batch.targets = targets;
    }
    bool next(BatchType& batch) {
        if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
        if (!coming_.batch) return false;
        const auto size = static_cast<int>(coming_.samples.size());
        const std::span crops = std::span(coming_.batch->crops).first(coming_.samples.size());
        labels_.assign(coming_.batch->labels.begin(), coming_.batch->labels.begin() + size);
        const View<float, DeviceMemory> samples{samples_.data(), size, shape_};
        sent_.hold();
        writer_.write(pixels_.data(), size * image_bytes_, crops, samples);
        cropped_.record();
        sent_.wait();  // what was sent a step ago goes back to the loader
        send_next();
        batch.input = samples;
        batch.targets = labels_;
        return true;
    }

private:
    /// A batch in the host's memory.
    struct Gathered {
        Buffer<std::uint8_t, PinnedMemory> pixels;
        std::vector<std::int32_t> labels;
        std::vector<Crop> crops;

        Gathered(int batch, Index image_bytes)
            : pixels(batch * image_bytes),
              labels(static_cast<std::size_t>(batch)),
              crops(static_cast<std::size_t>(batch)) {}

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
    };

    static const Normaliser& checked(const Normaliser& normaliser, const Shape& image,
                                     const Extent& crop) {
        normaliser.check(image, centre_window({image.width, image.height}, crop), crop);
        return normaliser;
    }

    /// Sends the next batch, if any, on its way, behind the crops of the one before. A failure is
    /// told when its batch's turn comes.
    void send_next() {
        coming_ = {};
        try {
            coming_ = loader_.next();
        } catch (...) {
            failure_ = std::current_exception();
        }
        if (!coming_.batch) return;
        stream_.hold(cropped_);
        stream_.upload(pixels_.data(), coming_.batch->pixels.data(),
                       coming_.samples.size() * static_cast<std::size_t>(image_bytes_));
        stream_.record(sent_);
    }

    Shape shape_;  // of a crop
    Index image_bytes_;
    CropWriter writer_;
    Loader<Gathered> loader_;
    Buffer<std::uint8_t, DeviceMemory> pixels_;  // of the batch on its way
    Buffer<float, DeviceMemory> samples_;        // of the batch in use
    Event sent_;                                 // pixels_ are there,
    Event cropped_;                              // and are no longer needed
    Loader<Gathered>::Loaded coming_;
    std::exception_ptr failure_;
    std::vector<std::int32_t> labels_;
    SideStream stream_;  // goes first, and waits
};

}  // namespace tessera::cuda
