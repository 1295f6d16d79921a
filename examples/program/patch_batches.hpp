// SPDX-License-Identifier: MIT
// Patches on their way into a network on the device, where they are cut out of their images,
// resized, cropped and normalised.
//
// An image crosses the bus for each patch, as bytes: at 500 x 375 pixels 562 kB, 10 microseconds of
// a bus of 55 GB/s and 50 of one thread that copies it into pinned memory. A step of AlexNet in
// float takes 78 for a sample. Three batches of 64 and the one on the device are 144 MB of such
// images.
#pragma once

#if defined(__CUDACC__) || defined(TESSERA_CUDA_ON_CPU)

#include <cstdint>
#include <span>
#include <vector>

#include "program/decoded_images.hpp"
#include "tessera/data/cuda/uploaded_batches.cuh"
#include "tessera/image/augment.hpp"
#include "tessera/patch/cuda/patches.cuh"
#include "tessera/train/evaluate.hpp"

namespace program {

struct PatchBatchOptions {
    int extent = 0;     ///< that patches are resized to
    Shape crop{};       ///< of that
    Index samples = 0;  ///< the first so many boxes
    int batch = 64;
    int workers = 1;  ///< threads that decode, or copy
    std::uint64_t seed = 1;
    bool training = false;  ///< random crops and order, whole batches only; else centres, in order
};

/// A source of batches on the device for fit() and evaluate(): the samples that PatchPixels gives
/// on the host, of the same patches of 8-bit pixels, in the same order.
template <class T = float>
class PatchBatches {
public:
    using BatchType = Batch<T, std::int32_t, cuda::DeviceMemory>;

    /// One label a box. `images` and `labels` must outlive this.
    PatchBatches(const DecodedImages& images, const std::vector<std::int32_t>& labels,
                 const Normaliser& normaliser, const PatchBatchOptions& options)
        : options_(options),
          image_bytes_(aligned(images.most_bytes())),
          writer_(normaliser, options.crop.channels, cuda::ResizedTo::bytes),
          batches_(
              {.samples = options.samples,
               .batch = options.batch,
               .workers = options.workers,
               .seed = options.seed,
               .shuffle = options.training,
               .whole_batches = options.training},
              [options, bytes = image_bytes_] { return Gathered(options.batch, bytes); },
              [options, &images, &labels, places = places_of(images)](const LoaderSample& sample,
                                                                      Gathered& batch) {
                  const auto index = static_cast<std::size_t>(sample.index);
                  batch.take(sample, images, places[index], options);
                  batch.labels[static_cast<std::size_t>(sample.position)] = labels[index];
              },
              block_bytes()),
          samples_(options.batch * options.crop.size()) {
        labels_.reserve(static_cast<std::size_t>(options.batch));
    }

    long batches() const { return batches_.batches(); }
    void start(int epoch, long position) { batches_.start(epoch, position); }
    bool next(BatchType& batch) {
        return batches_.next([&](const Gathered& gathered, int size, const std::uint8_t* pixels) {
            const View<T, cuda::DeviceMemory> samples{samples_.data(), size, options_.crop};
            writer_.write(pixels, block_bytes(),
                          std::span(gathered.cuts).first(static_cast<std::size_t>(size)),
                          {options_.extent, options_.extent}, samples);
            labels_.assign(gathered.labels.begin(), gathered.labels.begin() + size);
            batch.input = samples;
            batch.targets = labels_;
        });
    }

private:
    struct Place {
        std::size_t image, box;
    };
    static std::vector<Place> places_of(const DecodedImages& images) {
        std::vector<Place> places;
        for (std::size_t i = 0; i < images.list().size(); ++i) {
            for (std::size_t b = 0; b < images.list()[i].boxes.size(); ++b)
                places.push_back({i, b});
        }
        return places;
    }

    /// A batch in the host's memory.
    struct Gathered {
        Buffer<std::uint8_t, cuda::PinnedMemory> pixels;  // images, `image_bytes` apart
        std::vector<cuda::Cut> cuts;
        std::vector<std::int32_t> labels;
        Index image_bytes;

        Gathered(int batch, Index bytes)
            : pixels(batch * bytes),
              cuts(static_cast<std::size_t>(batch)),
              labels(static_cast<std::size_t>(batch)),
              image_bytes(bytes) {}

        void take(const LoaderSample& sample, const DecodedImages& images, const Place& place,
                  const PatchBatchOptions& options) {
            const Extent full{options.extent, options.extent};
            const Extent crop{options.crop.width, options.crop.height};
            const AugmentKey key{options.seed, sample.epoch,
                                 static_cast<std::uint32_t>(sample.index)};
            const Window window =
                options.training ? random_window(full, crop, key) : centre_window(full, crop);
            Image own;
            const Image& image = images.read(place.image, own);
            const Index first = sample.position * image_bytes;
            std::copy(image.pixels.begin(), image.pixels.end(), pixels.data() + first);
            cuts[static_cast<std::size_t>(sample.position)] = {
                first, image.width, image.height, images.list()[place.image].boxes[place.box],
                window};
        }
        void send(cuda::SideStream& stream, std::uint8_t* to, int count) const {
            for (const cuda::Cut& cut : std::span(cuts).first(static_cast<std::size_t>(count))) {
                stream.upload(to + cut.first, pixels.data() + cut.first,
                              std::size_t{3} * static_cast<std::size_t>(cut.width * cut.height));
            }
        }
    };

    /// With what PatchWriter may read behind a narrow image.
    Index block_bytes() const {
        return options_.batch * image_bytes_ + Index{3} * cuda::PatchPlan::most_static_taps;
    }

    PatchBatchOptions options_;
    Index image_bytes_;
    cuda::PatchWriter writer_;
    cuda::UploadedBatches<Gathered> batches_;
    Buffer<T, cuda::DeviceMemory> samples_;  // of the batch in use
    std::vector<std::int32_t> labels_;
};

}  // namespace program

#endif
