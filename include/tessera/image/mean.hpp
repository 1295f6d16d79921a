// SPDX-License-Identifier: MIT
// The mean of a set of images: per pixel, or one colour.
#pragma once

#include <cstdint>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/image/image.hpp"

namespace tessera {

/// Sums over images in whole numbers: exact, and the same in any order.
class MeanAccumulator {
public:
    /// Throws Error when the image's extent differs from that of the first.
    void add(const Image& image) {
        require(!image.empty(), "mean: the image is empty");
        if (count_ == 0) {
            shape_ = image.shape();
            sums_.assign(image.pixels.size(), 0);
        }
        require(image.shape() == shape_, "mean: found an image of ", image.shape(),
                " among images of ", shape_);
        for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += image.pixels[i];
        ++count_;
    }

    /// Adds what another accumulator has seen, for instance on another thread.
    void add(const MeanAccumulator& other) {
        if (other.count_ == 0) return;
        if (count_ == 0) {
            *this = other;
            return;
        }
        require(other.shape_ == shape_, "mean: found images of ", other.shape_, " and of ", shape_);
        for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
        count_ += other.count_;
    }

    Index count() const { return count_; }
    Shape shape() const { return shape_; }

    /// One value per pixel and channel, in memory order. Throws Error when nothing was added.
    std::vector<float> image() const {
        require(count_ > 0, "mean: no image was added");
        std::vector<float> mean(sums_.size());
        for (std::size_t i = 0; i < mean.size(); ++i) {
            mean[i] = static_cast<float>(static_cast<double>(sums_[i]) / double(count_));
        }
        return mean;
    }

    /// One value per channel. Throws Error when nothing was added.
    std::vector<float> pixel() const {
        require(count_ > 0, "mean: no image was added");
        const auto channels = std::size_t(shape_.channels);
        std::vector<std::uint64_t> sums(channels, 0);
        for (std::size_t i = 0; i < sums_.size(); ++i) sums[i % channels] += sums_[i];
        std::vector<float> mean(channels);
        for (std::size_t c = 0; c < channels; ++c) {
            const double values = double(count_) * double(shape_.area());
            mean[c] = static_cast<float>(static_cast<double>(sums[c]) / values);
        }
        return mean;
    }

private:
    Shape shape_{};
    Index count_ = 0;
    std::vector<std::uint64_t> sums_;
};

}  // namespace tessera
