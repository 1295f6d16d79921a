// SPDX-License-Identifier: MIT
// Patches of images as network inputs, made on the device: all boxes of an image in one kernel, or
// a batch of boxes of as many images.
//
// A patch of 227 x 227 in colour writes 618 kB and reads 27 to 422 kB of an image of 500 x 375 that
// stays in the caches; most of the 488 boxes of a tiling are enlarged, 2 x 2 taps: 1.2 MFLOP. All
// of them are 302 MB and 0.6 GFLOP: 70 microseconds to write at 4.3 TB/s, 10 to compute at 60
// TFLOP/s; the 30 instructions of a number make it nearer 100. The image crosses the bus as bytes,
// in 20.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "tessera/backend/cuda/staging.cuh"
#include "tessera/core/view.hpp"
#include "tessera/image/normaliser.hpp"
#include "tessera/image/resize.hpp"
#include "tessera/patch/cuda/patch_kernels.cuh"

namespace tessera::cuda {

/// What boxes are resized to: floats, as PatchExtractor::samples has them, or 8-bit pixels, as
/// PatchExtractor::images.
enum class ResizedTo { floats, bytes };

/// Does on the device what PatchExtractor and Normaliser do on the host, for many boxes at once.
/// Keeps its memory, which grows to the largest image and the most boxes.
class PatchWriter {
public:
    /// Samples of `channels` channels; keeps a copy of the mean.
    PatchWriter(const Normaliser& normaliser, int channels, ResizedTo resized = ResizedTo::floats)
        : normaliser_(normaliser),
          channels_(channels),
          eight_bits_(resized == ResizedTo::bytes),
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
        cuts_.clear();
        for (const Box& box : boxes) cuts_.push_back({0, image.width, image.height, box, window});
        write(cuts_, image.pixels, nullptr, resized, samples, samples_a_box);
    }

    /// Sample n is cut n, of an image of its own. `pixels`, of `bytes` bytes, and `samples` are the
    /// device's; `cuts` may be changed at once. Behind an image of fewer than 8 columns the block
    /// must hold as many pixels as are missing.
    /// Throws Error when an image leaves the block, or for what write() of an image refuses.
    template <class T>
    void write(const std::uint8_t* pixels, Index bytes, std::span<const Cut> cuts,
               const Extent& resized, View<T, DeviceMemory> samples) {
        require(std::ssize(cuts) == samples.batch && samples.shape.channels == channels_,
                "patches: found ", cuts.size(), " boxes for ", samples.batch, " samples of ",
                samples.shape, ", expected as many, of ", channels_, " channels");
        for (const Cut& cut : cuts) {
            require(cut.width > 0 && cut.height > 0, "patches: an image is ", cut.width, " x ",
                    cut.height);
            const int missing = std::max(0, PatchPlan::most_static_taps - cut.width);
            const Index end = cut.first + (Index{cut.width} * cut.height + missing) * channels_;
            require(cut.first >= 0 && end <= bytes, "patches: an image begins at byte ", cut.first,
                    " and is read to ", end, ", expected 0 to ", bytes);
        }
        write(cuts, {}, pixels, resized, samples, 1);
    }

private:
    /// The pixels of the cuts are those of an image, or lie on the device.
    template <class T>
    void write(std::span<const Cut> cuts, std::span<const std::uint8_t> image,
               const std::uint8_t* pixels, const Extent& resized, View<T, DeviceMemory> samples,
               int samples_a_cut) {
        const PatchGeometry geometry{
            channels_, resized, {samples.shape.width, samples.shape.height}};
        for (const Cut& cut : cuts) {
            normaliser_.check({channels_, resized.height, resized.width}, cut.window,
                              geometry.crop);
            const Box& box = cut.box;
            tessera::detail::check_edges(box.left, box.right, resized.width, cut.width);
            tessera::detail::check_edges(box.top, box.bottom, resized.height, cut.height);
        }
        if (cuts.empty()) return;
        const Index weights = send(cuts, image, geometry);
        const int lines = geometry.crop.width + geometry.crop.height;
        const Index patches = std::ssize(cuts);
        reserve(firsts_, patches * lines);
        reserve(weights_, weights);
        const auto* plans = reinterpret_cast<const PatchPlan*>(sent_.data());
        if (!pixels) {
            pixels = reinterpret_cast<const std::uint8_t*>(sent_.data() + bytes_of(patches));
        }
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
                     normaliser_.scale(), eight_bits_, blocks, samples_a_cut, samples.data});
    }

    static Index bytes_of(Index plans) { return aligned(plans * Index{sizeof(PatchPlan)}); }

    template <class T>
    static void reserve(Buffer<T, DeviceMemory>& buffer, Index size) {
        if (buffer.size() < size) buffer = Buffer<T, DeviceMemory>(size);
    }

    /// Plans and the image's pixels go in one piece. Returns the weights of all filters.
    Index send(std::span<const Cut> cuts, std::span<const std::uint8_t> image,
               const PatchGeometry& geometry) {
        const Index head = bytes_of(std::ssize(cuts)), bytes = head + std::ssize(image);
        std::byte* to = staging_.begin(bytes);
        auto* plans = reinterpret_cast<PatchPlan*>(to);
        Index weights = 0;
        for (std::size_t i = 0; i < cuts.size(); ++i) {
            const Cut& cut = cuts[i];
            const FilteredAxis across{cut.box.left, cut.box.right, cut.width,
                                      geometry.resized.width};
            const FilteredAxis down{cut.box.top, cut.box.bottom, cut.height,
                                    geometry.resized.height};
            int taps = std::max(most_taps(across), most_taps(down));
            taps = taps <= 2 ? 2 : taps <= 4 ? 4 : std::max(taps, PatchPlan::most_static_taps);
            plans[i] = {cut, taps, weights};
            const bool any = taps > PatchPlan::most_static_taps;
            weights += Index{geometry.crop.width} * (any ? std::min(taps, cut.width) : taps) +
                       Index{geometry.crop.height} * (any ? std::min(taps, cut.height) : taps);
            weights = (weights + 3) / 4 * 4;  // whole packs
        }
        std::copy(image.begin(), image.end(), reinterpret_cast<std::uint8_t*>(to + head));
        // Taps behind the last pixel are read.
        reserve(sent_, bytes + PatchPlan::most_static_taps * channels_);
        staging_.send(sent_.data(), bytes);
        return weights;
    }

    Normaliser normaliser_;
    int channels_;
    bool eight_bits_;
    std::vector<Cut> cuts_;
    Buffer<float, DeviceMemory> mean_;
    Buffer<std::byte, DeviceMemory> sent_;  // plans, then pixels
    Buffer<int, DeviceMemory> firsts_;      // of the columns and rows of each patch
    Buffer<float, DeviceMemory> weights_;
    Staging staging_;
};

}  // namespace tessera::cuda
