// SPDX-License-Identifier: MIT
// Extraction: many boxes of one image, each resized to the same square or rectangle.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "tessera/core/box.hpp"
#include "tessera/core/order.hpp"
#include "tessera/image/normaliser.hpp"
#include "tessera/image/resize.hpp"

namespace tessera {

/// Resizes boxes of one image. Boxes that share their left and right edges, as the columns of a
/// tiling do, share the horizontal half of the work, row by row as needed; every box comes out bit
/// by bit as resize() would make it. Keeps its memory: one extractor a thread, reused.
class PatchExtractor {
public:
    /// Calls sink(box index, y, row) for every row of every box; boxes come in an order of the
    /// extractor's choice, the rows of one box together from the top. `row` holds extent.width
    /// times channels floats from 0 to 255.
    template <class Sink>
    void each_row(const Image& image, std::span<const Box> boxes, const Extent& extent,
                  Sink&& sink) {
        const auto before = [&](std::size_t a, std::size_t b) {
            const Box &one = boxes[a], &other = boxes[b];
            return one.left != other.left ? one.left < other.left : one.right < other.right;
        };
        const Box* previous = nullptr;
        for (const std::size_t place : sorted_places(boxes.size(), before)) {
            const int index = static_cast<int>(place);
            const Box& box = boxes[place];
            if (!previous || previous->left != box.left || previous->right != box.right) {
                resizer_.columns(image, box.left, box.right, extent.width);
            }
            previous = &box;
            resizer_.rows(box.top, box.bottom, extent.height,
                          [&](int y, const float* row) { sink(index, y, row); });
        }
    }

    /// The boxes as 8-bit images.
    std::vector<Image> images(const Image& image, std::span<const Box> boxes,
                              const Extent& extent) {
        std::vector<Image> patches;
        images(image, boxes, extent, patches);
        return patches;
    }
    /// The same, into the memory of earlier patches.
    void images(const Image& image, std::span<const Box> boxes, const Extent& extent,
                std::vector<Image>& patches) {
        patches.resize(boxes.size());
        const Shape shape{image.channels, extent.height, extent.width};
        for (Image& patch : patches) {
            if (patch.shape() != shape) patch = Image(extent.width, extent.height, image.channels);
        }
        const int values = extent.width * image.channels;
        each_row(image, boxes, extent, [&](int index, int y, const float* row) {
            round_pixels(row, values, patches[std::size_t(index)].row(y));
        });
    }

    /// Which part of a resized box becomes a sample, and how.
    struct Sampling {
        Extent resized;  ///< what a box is resized to
        Window window;   ///< the crop of that,
        Extent crop;     ///< and its extent
        const Normaliser& normaliser;
    };

    /// The boxes as NHWC samples, box i at target + i * crop.height * crop.width * channels.
    /// Throws Error when the crop leaves the resized box or the mean has another shape.
    template <class T>
    void samples(const Image& image, std::span<const Box> boxes, const Sampling& sampling,
                 T* target) {
        const Extent resized = sampling.resized, crop = sampling.crop;
        const Window window = sampling.window;
        const Normaliser& normaliser = sampling.normaliser;
        normaliser.check({image.channels, resized.height, resized.width}, window, crop);
        const Index pitch = Index{crop.width} * image.channels;
        each_row(image, boxes, resized, [&](int index, int y, const float* row) {
            const int line = y - window.top;
            if (line < 0 || line >= crop.height) return;
            normaliser.write_row(row, y, {resized.width, image.channels}, window, crop.width,
                                 target + (Index{index} * crop.height + line) * pitch);
        });
    }

private:
    Resizer resizer_;
};

}  // namespace tessera
