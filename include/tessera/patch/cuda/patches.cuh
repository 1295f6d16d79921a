// SPDX-License-Identifier: MIT
// Patches of an image as network inputs, made on the device: all its boxes in one kernel.
//
// A patch of 227 x 227 in colour writes 618 kB and reads 27 to 422 kB of an image of 500 x 375 that
// stays in the caches; most of the 488 boxes of a tiling are enlarged, 2 x 2 taps: 1.2 MFLOP. All
// of them are 302 MB and 0.6 GFLOP: 70 microseconds to write at 4.3 TB/s, 10 to compute at 60
// TFLOP/s; the 30 instructions of a number make it nearer 100. The image crosses the bus as bytes,
// in 20.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "tessera/backend/cuda/staging.cuh"
#include "tessera/core/view.hpp"
#include "tessera/image/normaliser.hpp"
#include "tessera/image/resize.hpp"
#include "tessera/patch/cuda/patch_kernels.cuh"

namespace tessera::cuda {

/// Does on the device what PatchExtractor::samples does on the host, for all boxes of an image at
/// once. Keeps its memory, which grows to the largest image and the most boxes.
class PatchWriter {
public:
    /// Samples of `channels` channels; keeps a copy of the mean.
    PatchWriter(const Normaliser& normaliser, int channels)
        : normaliser_(normaliser),
          channels_(channels),
          mean_(static_cast<Index>(normaliser.mean().size())) {
        copy_numbers<DeviceMemory, HostMemory>(mean_.data(), normaliser.mean().data(),
                                               mean_.size());
        DeviceMemory::synchronize();
    }

    /// Each box is resized to `resized`; the part of that in `window`, of the extent of a sample,
    /// becomes sample i of the device. Boxes may be fractional, and may leave the image, which is
    /// then continued by its mirror image. With `mirrored_too` box i makes samples 2i, which is
    /// that, and 2i + 1, which is the same turned left to right. Returns before the work is done;
    /// `image` and `boxes` may be changed at once.
    /// Throws Error when the image is empty or of other channels, the number of boxes is not that
    /// of the samples, edges of a box are not finite or not in order, the window leaves the resized
    /// box or the mean is of another shape.
    template <class T>
    void write(const Image& image, std::span<const Box> boxes, const Extent& resized,
               const Window& window, View<T, DeviceMemory> samples, bool mirrored_too = false) {
        require(!image.empty(), "patches: the image is empty");
        const int samples_a_box = mirrored_too ? 2 : 1;
        require(samples_a_box * std::ssize(boxes) == samples.batch && image.channels == channels_ &&
                    samples.shape.channels == channels_,
                "patches: found ", boxes.size(), " boxes of an image of ", image.shape(), " for ",
                samples.batch, " samples of ", samples.shape, ", expected ",
                mirrored_too ? "twice as many" : "as many", ", of ", channels_, " channels");
        const PatchGeometry geometry{image.width, image.height,
                                     channels_,   resized,
                                     window,      {samples.shape.width, samples.shape.height}};
        normaliser_.check({channels_, resized.height, resized.width}, window, geometry.crop);
        for (const Box& box : boxes) {
            tessera::detail::check_edges(box.left, box.right, resized.width, image.width);
            tessera::detail::check_edges(box.top, box.bottom, resized.height, image.height);
        }
        if (boxes.empty()) return;
        const Index weights = send(image, boxes, geometry);
        const int lines = geometry.crop.width + geometry.crop.height;
        const Index patches = std::ssize(boxes);
        reserve(firsts_, patches * lines);
        reserve(weights_, weights);
        const auto* plans = reinterpret_cast<const PatchPlan*>(sent_.data());
        const auto* pixels =
            reinterpret_cast<const std::uint8_t*>(sent_.data() + bytes_of(patches));
        launch("filters of patches", blocks_for(patches * lines), default_threads,
               PlanPatches{geometry, patches, plans, firsts_.data(), weights_.data()});
        // As few blocks a row as may be, as narrow as they may be.
        using Write = WritePatches<T>;
        const unsigned row = static_cast<unsigned>(geometry.crop.width * channels_);
        const unsigned blocks = (row + Write::threads - 1) / Write::threads;
        const unsigned threads = ((row + blocks - 1) / blocks + lanes - 1) / lanes * lanes;
        launch("patches",
               dim3(blocks * static_cast<unsigned>(samples.batch),
                    static_cast<unsigned>((geometry.crop.height + Write::band - 1) / Write::band)),
               threads,
               Write{geometry, pixels, plans, firsts_.data(), weights_.data(),
                     mean_.empty() ? nullptr : mean_.data(), normaliser_.shape().area() > 1,
                     normaliser_.scale(), blocks, samples_a_box, samples.data});
    }

private:
    static Index bytes_of(Index plans) { return aligned(plans * Index{sizeof(PatchPlan)}); }

    template <class T>
    static void reserve(Buffer<T, DeviceMemory>& buffer, Index size) {
        if (buffer.size() < size) buffer = Buffer<T, DeviceMemory>(size);
    }

    /// Plans and pixels go in one piece. Returns the weights of all filters.
    Index send(const Image& image, std::span<const Box> boxes, const PatchGeometry& geometry) {
        const auto pixels = static_cast<Index>(image.pixels.size());
        const Index head = bytes_of(std::ssize(boxes)), bytes = head + pixels;
        std::byte* to = staging_.begin(bytes);
        auto* plans = reinterpret_cast<PatchPlan*>(to);
        Index weights = 0;
        for (std::size_t i = 0; i < boxes.size(); ++i) {
            const FilteredAxis across{boxes[i].left, boxes[i].right, image.width,
                                      geometry.resized.width};
            const FilteredAxis down{boxes[i].top, boxes[i].bottom, image.height,
                                    geometry.resized.height};
            int taps = std::max(most_taps(across), most_taps(down));
            taps = taps <= 2 ? 2 : taps <= 4 ? 4 : std::max(taps, PatchGeometry::most_static_taps);
            plans[i] = {boxes[i], taps, weights};
            const bool any = taps > PatchGeometry::most_static_taps;
            weights += Index{geometry.crop.width} * (any ? std::min(taps, image.width) : taps) +
                       Index{geometry.crop.height} * (any ? std::min(taps, image.height) : taps);
            weights = (weights + 3) / 4 * 4;  // whole packs
        }
        std::memcpy(to + head, image.pixels.data(), image.pixels.size());
        // Taps behind the last pixel are read.
        reserve(sent_, bytes + PatchGeometry::most_static_taps * channels_);
        staging_.send(sent_.data(), bytes);
        return weights;
    }

    Normaliser normaliser_;
    int channels_;
    Buffer<float, DeviceMemory> mean_;
    Buffer<std::byte, DeviceMemory> sent_;  // plans, then pixels
    Buffer<int, DeviceMemory> firsts_;      // of the columns and rows of each patch
    Buffer<float, DeviceMemory> weights_;
    Staging staging_;
};

}  // namespace tessera::cuda
