// SPDX-License-Identifier: MIT
// Normaliser: from 8-bit pixels to the input of a network.
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/image/crop.hpp"
#include "tessera/image/image.hpp"
#include "tessera/image/row.hpp"

namespace tessera {

/// (pixel - mean) * scale. The mean is a colour or an image; a mean image is subtracted at the
/// place in the source that a pixel comes from, as Krizhevsky did, so a crop takes its part of the
/// mean along and a mirrored crop mirrors the difference.
class Normaliser {
public:
    /// (pixel - 0) * scale.
    explicit Normaliser(float scale = 1) : scale_(scale) { repeat_mean(); }
    /// One mean per channel, for images of any extent.
    Normaliser(std::vector<float> colour, float scale)
        : shape_{static_cast<int>(colour.size()), 1, 1}, mean_(std::move(colour)), scale_(scale) {
        require(!mean_.empty(), "Normaliser: the mean has no channel");
        repeat_mean();
    }
    /// One mean per pixel and channel of images of `shape`.
    Normaliser(const Shape& shape, std::vector<float> image, float scale)
        : shape_(shape), mean_(std::move(image)), scale_(scale) {
        require(Index(mean_.size()) == shape.size(), "Normaliser: the mean has ", mean_.size(),
                " values, expected ", shape.size(), " for ", shape);
        if (shape.area() <= 1) repeat_mean();
    }

    const std::vector<float>& mean() const { return mean_; }
    Shape shape() const { return shape_; }
    float scale() const { return scale_; }

    /// Writes a crop as one NHWC sample of extent.height * extent.width * channels values.
    /// Throws Error when the window leaves the image or the mean is of another shape.
    template <class T>
    void write(const Image& source, const Window& window, const Extent& extent, T* sample) const {
        check(source.shape(), window, extent);
        for (int y = 0; y < extent.height; ++y, sample += extent.width * source.channels) {
            write_row(source.row(window.top + y), window.top + y, {source.width, source.channels},
                      window, extent.width, sample);
        }
    }

    /// The whole image.
    template <class T>
    void write(const Image& source, T* sample) const {
        write(source, {}, {source.width, source.height}, sample);
    }

    /// Throws Error unless write() would accept an image of `source`.
    void check(const Shape& source, const Window& window, const Extent& extent) const {
        require(window.left >= 0 && window.top >= 0 && extent.width > 0 && extent.height > 0 &&
                    window.left + extent.width <= source.width &&
                    window.top + extent.height <= source.height,
                "Normaliser: a crop of ", extent.width, " x ", extent.height, " at (", window.left,
                ", ", window.top, ") leaves the image of ", source.width, " x ", source.height);
        require(mean_.empty() || shape_ == source ||
                    (shape_.area() == 1 && shape_.channels == source.channels),
                "Normaliser: the mean is ", shape_, ", the image ", source);
    }

    struct Row {
        int width, channels;
    };
    /// Row `y` of a source image, as 8-bit pixels or floats, through `window` into one row of a
    /// sample. requires what check() checks.
    template <class Pixel, class T>
    void write_row(const Pixel* source, int y, const Row& row, const Window& window, int width,
                   T* target) const {
        const int channels = row.channels;
        const bool per_pixel = shape_.area() > 1;
        const float* mean = mean_.empty() ? nullptr : mean_.data();
        if (per_pixel) mean += (Index{y} * row.width + window.left) * channels;
        source += window.left * channels;
        if constexpr (std::is_same_v<T, float>) {
            if (!window.mirrored) {
                return write_in_order(source, per_pixel ? mean : nullptr, width * channels, target);
            }
        }
        for (int x = 0; x < width; ++x) {
            T* to = target + (window.mirrored ? width - 1 - x : x) * channels;
            for (int c = 0; c < channels; ++c) {
                const float expected = mean ? mean[c] : 0.0F;
                to[c] = static_cast<T>((static_cast<float>(source[c]) - expected) * scale_);
            }
            source += channels;
            if (per_pixel) mean += channels;
        }
    }

private:
    void repeat_mean() {
        if (mean_.empty()) repeated_.assign(64, 0.0F);
        for (int i = 0; i < 64; ++i) repeated_.insert(repeated_.end(), mean_.begin(), mean_.end());
    }

    /// (source - mean) * scale for `count` numbers; without a mean, that of a colour.
    template <class Pixel>
    void write_in_order(const Pixel* source, const float* mean, int count, float* target) const {
        with_instructions([&](auto bytes) {
            using Loops = detail::RowLoops<bytes>;
            if (mean) return Loops::normalise(source, mean, scale_, count, target);
            const int whole = static_cast<int>(repeated_.size());
            for (int i = 0; i < count; i += whole) {
                Loops::normalise(source + i, repeated_.data(), scale_, std::min(whole, count - i),
                                 target + i);
            }
        });
    }

    Shape shape_{};
    std::vector<float> mean_;
    float scale_ = 1;
    std::vector<float> repeated_;  // 64 times the mean of a colour, or zeros
};

}  // namespace tessera
