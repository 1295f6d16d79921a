// SPDX-License-Identifier: MIT
// Labelled images on their way into a network: decoded, brought to one size, cropped, normalised.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "program/console.hpp"
#include "program/parallel.hpp"
#include "tessera/core/buffer.hpp"
#include "tessera/data/image_folder.hpp"
#include "tessera/data/loader.hpp"
#include "tessera/data/packed_images.hpp"
#include "tessera/image/augment.hpp"
#include "tessera/image/codec.hpp"
#include "tessera/image/mean.hpp"
#include "tessera/image/normaliser.hpp"
#include "tessera/image/resize.hpp"
#include "tessera/train/evaluate.hpp"

namespace program {

using namespace tessera;

/// A file as extent x extent pixels: shorter side to `extent`, then the middle (Krizhevsky's rule).
inline Image read_square(const std::string& path, int extent) {
    Image image = read_image(path);
    if (image.width == extent && image.height == extent) return image;
    const double side = std::min(image.width, image.height);
    const double left = (image.width - side) / 2, top = (image.height - side) / 2;
    return resize(image, Box{left, top, left + side, top + side}, Extent{extent, extent});
}

/// Throws Error for a packed file that lacks the names of its classes and the mean.
inline void check_from_pack(const PackedImages& packed, const std::string& path) {
    require(!packed.summary().empty() && packed.size() > 0 && packed.set().shape.channels == 3,
            path, ": found ", packed.size(), " images of ", packed.set().shape,
            packed.summary().empty() ? " without names of classes" : "",
            ", expected a file that pack wrote");
}

/// The images of a set at one size: decoded, and kept in memory when they fit, or those of a
/// packed file.
class PreparedImages {
public:
    PreparedImages(ImageSet set, int extent, Index memory_limit)
        : set_(std::move(set)),
          extent_(extent),
          kept_(Index{3} * extent * extent * std::ssize(set_.items) <= memory_limit) {}
    /// The images of the file at `path`; `packed` must outlive this.
    PreparedImages(const PackedImages& packed, std::string path)
        : packed_(&packed),
          path_(std::move(path)),
          extent_(packed.set().shape.height),
          kept_(true) {}

    Index size() const { return packed_ ? packed_->size() : std::ssize(set_.items); }
    int extent() const { return extent_; }
    /// Whether no image will be decoded a second time.
    bool kept() const { return kept_; }
    /// Null where the images are those of a folder.
    const PackedImages* packed() const { return packed_; }
    int label(Index i) const {
        return packed_ ? packed_->label(i) : set_.items[static_cast<std::size_t>(i)].label;
    }
    /// Throws Error for an image that cannot be read, or could not when it was packed.
    Image read(Index i) const {
        const auto at = static_cast<std::size_t>(i);
        if (packed_) {
            require(packed_->label(i) >= 0, path_, ": image ", i,
                    " could not be read when it was packed");
            Image image(extent_, extent_);
            std::ranges::copy(packed_->image(i), image.pixels.begin());
            return image;
        }
        if (kept_ && !images_.empty() && !images_[at].empty()) return images_[at];
        return read_square(set_.items[at].path, extent_);
    }

    /// The mean image; empty when nothing was read. Decodes everything once, for the mean and to
    /// keep, unless it is packed. An unreadable image is an Error, or is named, added to `skipped`
    /// and left out of the mean when `skip` is given.
    std::vector<float> prepare(bool skip, Index& skipped) {
        if (packed_) {
            const PackedSummary& summary = packed_->summary();
            require(
                skip || summary.unreadable == 0, path_, ": found ", summary.unreadable,
                " images that could not be read when they were packed; --bad skip leaves them out");
            skipped += summary.unreadable;
            return summary.mean;
        }
        if (kept_) images_.resize(static_cast<std::size_t>(size()));
        ProgressLine line("reading images", static_cast<double>(size()), "images");
        Mutex mutex;
        Index done = 0, bad = 0;
        std::vector<MeanAccumulator> sums(static_cast<std::size_t>(Cpu::threads()));
        for_each_index(set_.items.size(), [&](std::size_t i, int thread) {
            try {
                Image image = read_square(set_.items[i].path, extent_);
                sums[static_cast<std::size_t>(thread)].add(image);
                if (kept_) images_[i] = std::move(image);
            } catch (const Error& error) {
                if (!skip) throw;
                const Lock lock(mutex);
                if (++bad <= 10) std::fprintf(stderr, "left out: %s\n", error.what());
            }
            const Lock lock(mutex);
            line.update(static_cast<double>(++done));
        });
        skipped += bad;
        for (std::size_t t = 1; t < sums.size(); ++t) sums[0].add(sums[t]);
        return sums[0].count() > 0 ? sums[0].image() : std::vector<float>();
    }

private:
    const PackedImages* packed_ = nullptr;
    std::string path_;  // of the packed file
    ImageSet set_;
    int extent_;
    bool kept_;
    std::vector<Image> images_;
};

/// The rows of one batch.
struct HostBatch {
    Buffer<float> input;
    std::vector<std::int32_t> labels;
};

struct ImageBatchOptions {
    Shape crop{};
    int batch = 64;
    int workers = 1;
    std::uint64_t seed = 1;
    bool augment = false;  ///< random zoom, crop, mirror and order; else the centre, in order
    double zoom = 1;       ///< smallest side of what is zoomed to, in sides of the image
    bool skip_bad = false;
};

/// Image `i` of `limit` that are spread evenly over `size`; of all without a limit.
inline Index spread_index(Index i, Index size, Index limit) {
    return limit > 0 && limit < size ? i * size / limit : i;
}

/// A source of batches for fit() and evaluate().
class ImageBatches {
public:
    /// With a limit, that many images spread evenly over the set.
    ImageBatches(const PreparedImages& images, const Normaliser& normaliser,
                 const ImageBatchOptions& options, Index limit = -1)
        : options_(options),
          loader_(
              {.samples = limit < 0 ? images.size() : std::min(limit, images.size()),
               .batch = options.batch,
               .workers = options.workers,
               .seed = options.seed,
               .shuffle = options.augment,
               .whole_batches = options.augment,
               .bad = options.skip_bad ? BadSample::skip : BadSample::stop},
              [options] {
                  return HostBatch{
                      Buffer<float>(options.batch * options.crop.size()),
                      std::vector<std::int32_t>(static_cast<std::size_t>(options.batch))};
              },
              [&images, &normaliser, options, limit](const LoaderSample& sample, HostBatch& batch) {
                  const Index index = spread_index(sample.index, images.size(), limit);
                  Image image = images.read(index);
                  const Extent full{image.width, image.height};
                  const Extent crop{options.crop.width, options.crop.height};
                  const AugmentKey key{options.seed, sample.epoch,
                                       static_cast<std::uint32_t>(index)};
                  if (options.augment && options.zoom < 1) {
                      image = resize(image, random_zoom(full, options.zoom, key), full);
                  }
                  const auto window =
                      options.augment ? random_window(full, crop, key) : centre_window(full, crop);
                  normaliser.write(image, window, crop,
                                   batch.input.data() + sample.position * options.crop.size());
                  batch.labels[static_cast<std::size_t>(sample.position)] = images.label(index);
              },
              [options](const LoaderSample& sample, HostBatch& batch) {
                  std::fill_n(batch.input.data() + sample.position * options.crop.size(),
                              options.crop.size(), 0.0F);
                  batch.labels[static_cast<std::size_t>(sample.position)] = -1;
              }) {}

    long batches() const { return loader_.batches(); }
    void start(int epoch, long position) {
        loader_.start(static_cast<std::uint32_t>(epoch), position);
    }
    bool next(Batch<float, std::int32_t>& batch) {
        const auto loaded = loader_.next();
        if (!loaded.batch) return false;
        batch.input = {loaded.batch->input.data(), static_cast<int>(loaded.samples.size()),
                       options_.crop};
        batch.targets = std::span(loaded.batch->labels).first(loaded.samples.size());
        return true;
    }
    Index skipped() const { return loader_.skipped(); }
    std::vector<std::string> complaints() const { return loader_.complaints(); }

private:
    ImageBatchOptions options_;
    Loader<HostBatch> loader_;
};

}  // namespace program
