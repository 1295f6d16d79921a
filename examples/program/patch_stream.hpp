// SPDX-License-Identifier: MIT
// From boxes of image files to samples: threads decode and resize ahead of the one that uses them.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "program/voc_patches.hpp"
#include "tessera/core/buffer.hpp"
#include "tessera/data/loader.hpp"
#include "tessera/image/augment.hpp"
#include "tessera/image/codec.hpp"
#include "tessera/patch/extract.hpp"

namespace program {

/// Decodes the file. Throws Error, naming it, when it cannot be read or has another size than
/// announced.
inline Image read_announced(const ImageBoxes& boxes) {
    Image image = read_image(boxes.path);
    require(image.width == boxes.width && image.height == boxes.height, boxes.path, ": found ",
            image.width, " x ", image.height, " pixels, expected ", boxes.width, " x ",
            boxes.height, " as the annotation says");
    return image;
}

/// Elements of `row_size` values per box, made piece by piece: a piece holds boxes of one image,
/// all of them unless they are too large (16 MB). Each image is decoded once. Rows come in the
/// order of images and boxes.
template <class T>
class PatchStream {
public:
    /// Fills one row a box.
    using Extract =
        std::function<void(PatchExtractor&, const Image&, std::span<const Box>, T* rows)>;

    struct Piece {
        Buffer<T> rows;
        Index count = 0;
        PatchExtractor extractor;
    };

    PatchStream(const std::vector<ImageBoxes>& images, Index row_size, int workers,
                Extract extract) {
        const Index bytes = row_size * static_cast<Index>(sizeof(T));
        const Index limit = std::max<Index>(32, (Index{16} << 20) / bytes);
        decoded_ = std::make_unique<Decoded[]>(images.size());
        for (std::size_t i = 0; i < images.size(); ++i) {
            const Index count = std::ssize(images[i].boxes);
            for (Index first = 0; first < count; first += limit) {
                jobs_.push_back({&images[i], &decoded_[i], first, std::min(limit, count - first)});
                ++decoded_[i].pieces;
            }
        }
        const auto produce = [this, row_size, make = std::move(extract)](const LoaderSample& sample,
                                                                         Piece& piece) {
            const Job& job = jobs_[static_cast<std::size_t>(sample.index)];
            const Image& image = decode(job);
            if (piece.rows.size() < job.count * row_size) {
                piece.rows = Buffer<T>(job.count * row_size);
            }
            const std::span<const Box> boxes(job.image->boxes);
            make(piece.extractor, image,
                 boxes.subspan(static_cast<std::size_t>(job.first),
                               static_cast<std::size_t>(job.count)),
                 piece.rows.data());
            piece.count = job.count;
            const Lock lock(job.decoded->mutex);
            if (--job.decoded->pieces == 0) job.decoded->image = {};
        };
        loader_ = std::make_unique<Loader<Piece>>(
            LoaderOptions{.samples = std::ssize(jobs_),
                          .batch = 1,
                          .workers = workers,
                          .prefetch = workers + 1,
                          .shuffle = false},
            [] { return Piece{}; }, produce);
        loader_->start(0);
    }
    PatchStream(const PatchStream&) = delete;
    PatchStream& operator=(const PatchStream&) = delete;

    /// The next piece, or null after the last; it stays until the next call. Throws Error, naming
    /// the file, for an image that cannot be read or has another size than announced.
    const Piece* next() { return loader_->next().batch; }

private:
    /// An image as long as pieces of it are to be made.
    struct Decoded {
        Mutex mutex;
        Image image;
        Index pieces = 0;
    };
    struct Job {
        const ImageBoxes* image;
        Decoded* decoded;
        Index first, count;
    };

    static const Image& decode(const Job& job) {
        const Lock lock(job.decoded->mutex);
        Image& image = job.decoded->image;
        if (image.empty()) image = read_announced(*job.image);
        return image;
    }

    std::vector<Job> jobs_;
    std::unique_ptr<Decoded[]> decoded_;
    std::unique_ptr<Loader<Piece>> loader_;
};

/// How boxes are shown to a network: resized to extent x extent, the centre cut out, normalised.
struct PatchView {
    int extent = 0;
    Shape crop{};
    const Normaliser& normaliser;
    bool mirrored_too = false;  ///< two rows a box: as it is, and turned left to right
    int workers = 1;

    Index rows_per_box() const { return mirrored_too ? 2 : 1; }
    void add_to(Fingerprint& mark) const {
        mark.add(extent);
        mark.add(crop.width);
        mark.add(crop.height);
        mark.add(mirrored_too);
        mark.add(std::bit_cast<std::uint32_t>(normaliser.scale()));
        const std::vector<float>& mean = normaliser.mean();
        mark.add(std::span(reinterpret_cast<const std::uint8_t*>(mean.data()),
                           mean.size() * sizeof(float)));
    }
};

inline PatchStream<float> sample_stream(const std::vector<ImageBoxes>& images,
                                        const PatchView& view) {
    const Extent resized{view.extent, view.extent}, crop{view.crop.width, view.crop.height};
    const Window window = centre_window(resized, crop);
    return {images, view.crop.size(), view.workers,
            [resized, crop, window, &normaliser = view.normaliser](
                PatchExtractor& extractor, const Image& image, std::span<const Box> boxes,
                float* rows) {
                extractor.samples(image, boxes, {resized, window, crop, normaliser}, rows);
            }};
}

/// A sample turned left to right.
inline void write_mirrored(const float* sample, const Shape& shape, float* target) {
    for (int y = 0; y < shape.height; ++y) {
        for (int x = 0; x < shape.width; ++x) {
            const float* pixel =
                sample + (Index{y} * shape.width + shape.width - 1 - x) * shape.channels;
            target = std::copy_n(pixel, shape.channels, target);
        }
    }
}

}  // namespace program
