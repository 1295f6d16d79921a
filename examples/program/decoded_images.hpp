// SPDX-License-Identifier: MIT
// Image files with boxes, decoded: what patches are cut out of on a device.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "program/console.hpp"
#include "program/parallel.hpp"
#include "program/patch_stream.hpp"

namespace program {

/// The first images are kept, as long as they fit in memory; the others are decoded each time.
class DecodedImages {
public:
    /// Those that have boxes.
    DecodedImages(std::vector<ImageBoxes> images, Index memory_limit) : images_(std::move(images)) {
        std::erase_if(images_, [](const ImageBoxes& image) { return image.boxes.empty(); });
        const auto fits = [&](const ImageBoxes& image) {
            memory_limit -= bytes_of(image);
            return memory_limit >= 0;
        };
        const auto rest = std::find_if_not(images_.begin(), images_.end(), fits);
        kept_.resize(static_cast<std::size_t>(rest - images_.begin()));
    }

    /// Decodes all of them once; to be called before read(). Throws Error, naming the file, for one
    /// that cannot be read or has another size than announced. Ends early when interrupted.
    void prepare(const std::string& task) {
        ProgressLine line(task, static_cast<double>(images_.size()), "images");
        Mutex mutex;
        Index done = 0;
        for_each_index(images_.size(), [&](std::size_t i, int) {
            Image image = read_announced(images_[i]);
            if (i < kept_.size()) kept_[i] = std::move(image);
            const Lock lock(mutex);
            line.update(static_cast<double>(++done));
        });
    }

    const std::vector<ImageBoxes>& list() const { return images_; }
    /// How many are not decoded again.
    Index kept() const { return std::ssize(kept_); }
    /// Image `i`, in `own` where it is not kept. By any number of threads.
    const Image& read(std::size_t i, Image& own) const {
        if (i < kept_.size()) return kept_[i];
        own = read_announced(images_[i]);
        return own;
    }
    /// Of the largest.
    Index most_bytes() const {
        Index most = 0;
        for (const ImageBoxes& image : images_) most = std::max(most, bytes_of(image));
        return most;
    }

private:
    static Index bytes_of(const ImageBoxes& image) { return Index{3} * image.width * image.height; }

    std::vector<ImageBoxes> images_;
    std::vector<Image> kept_;
};

}  // namespace program
