// SPDX-License-Identifier: MIT
// Resize: any box of an image to any extent, antialiased, rounded once.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tessera/core/box.hpp"
#include "tessera/core/error.hpp"
#include "tessera/image/axis_filter.hpp"
#include "tessera/image/image.hpp"

namespace tessera {

/// 0..255 to the nearest 8-bit value.
inline std::uint8_t to_pixel(float value) {
    return static_cast<std::uint8_t>(std::min(std::max(value, 0.0F), 255.0F) + 0.5F);
}

namespace detail {

inline void check_edges(double low, double high, int outputs, int count) {
    // Further out nothing but repetitions of the image would be seen.
    const double reach = 64.0 * count;
    require(low < high && low > -reach && high < reach, "resize: the box reaches from ", low,
            " to ", high, " on an axis of ", count, " pixels");
    require(outputs > 0, "resize: the target has ", outputs, " pixels on an axis");
}

}  // namespace detail

/// Resizes boxes of one image in two steps, so that boxes between the same left and right edges
/// share the first. All memory is kept: after the largest box nothing is allocated. One a thread.
class Resizer {
public:
    /// The source and the horizontal part: everything between `left` and `right` becomes `width`
    /// pixels. `source` must stay alive and unchanged until the last rows().
    /// Throws Error when the edges are not finite or not in order.
    void columns(const Image& source, double left, double right, int width) {
        require(!source.empty(), "resize: the image is empty");
        detail::check_edges(left, right, width, source.width);
        source_ = &source;
        columns_.plan(left, right, source.width, width);
        values_ = width * source.channels;
        pitch_ = (values_ + block - 1) / block * block;
        require(Index{source.height} * pitch_ <= Index{1} << 30, "resize: ", source.height,
                " rows brought to ", width, " pixels are ", Index{source.height} * pitch_,
                " numbers, expected at most 2^30");
        strip_.resize(std::size_t(source.height) * std::size_t(pitch_));
        ready_.assign(std::size_t(source.height), 0);
    }

    /// The vertical part: calls sink(y, row) for y = 0 .. height - 1, where `row` holds width times
    /// channels floats from 0 to 255 and is good for the duration of the call.
    template <class Sink>
    void rows(double top, double bottom, int height, Sink&& sink) {
        detail::check_edges(top, bottom, height, source_->height);
        rows_.plan(top, bottom, source_->height, height);
        for (int y = rows_.begin(); y < rows_.end(); ++y) {
            if (ready_[std::size_t(y)]) continue;
            shrink_row(y);
            ready_[std::size_t(y)] = 1;
        }
        row_.resize(std::size_t(pitch_));
        for (int y = 0; y < height; ++y) {
            blend_rows(strip_.data() + std::ptrdiff_t{rows_.first(y)} * pitch_, rows_.weights(y));
            sink(y, static_cast<const float*>(row_.data()));
        }
    }

private:
    static constexpr int block = 16;  // one AVX-512 register; rows are padded to it

    /// One source row through the horizontal filter into the strip.
    void shrink_row(int y) {
        const std::uint8_t* source = source_->row(y);
        float* target = strip_.data() + std::ptrdiff_t{y} * pitch_;
        const int channels = source_->channels;
        const int taps = columns_.taps();
        const int width = values_ / channels;
        if (channels == 3) {
            for (int x = 0; x < width; ++x) {
                const float* weights = columns_.weights(x);
                const std::uint8_t* from = source + columns_.first(x) * 3;
                float red = 0, green = 0, blue = 0;
                for (int k = 0; k < taps; ++k, from += 3) {
                    red += weights[k] * static_cast<float>(from[0]);
                    green += weights[k] * static_cast<float>(from[1]);
                    blue += weights[k] * static_cast<float>(from[2]);
                }
                target[3 * x] = red;
                target[3 * x + 1] = green;
                target[3 * x + 2] = blue;
            }
        } else {
            for (int x = 0; x < width; ++x) {
                for (int c = 0; c < channels; ++c) {
                    const std::uint8_t* from = source + columns_.first(x) * channels + c;
                    float sum = 0;
                    for (int k = 0; k < taps; ++k) {
                        sum += columns_.weights(x)[k] * static_cast<float>(from[k * channels]);
                    }
                    target[x * channels + c] = sum;
                }
            }
        }
        std::fill(target + values_, target + pitch_, 0.0F);
    }

    /// row_ = sum over taps of weights[k] * strip row k.
    void blend_rows(const float* strip, const float* weights) {
        for (int j = 0; j < pitch_; j += block) {
            std::array<float, block> sum{};
            for (int k = 0; k < rows_.taps(); ++k) {
                const float* from = strip + std::ptrdiff_t{k} * pitch_ + j;
                for (std::size_t i = 0; i < block; ++i) sum[i] += weights[k] * from[i];
            }
            std::copy(sum.begin(), sum.end(), row_.data() + j);
        }
    }

    const Image* source_ = nullptr;
    AxisFilter columns_;
    AxisFilter rows_;
    int values_ = 0;            // floats in a row of the result
    int pitch_ = 0;             // floats from one row to the next
    std::vector<float> strip_;  // (source height, target width, channels)
    std::vector<char> ready_;   // which rows of the strip are computed
    std::vector<float> row_;
};

/// `box` of `source` to the extent of `target`, which has been given its size and the channels of
/// the source. The box may be fractional, and may leave the image, which is then continued by its
/// mirror image.
inline void resize(const Image& source, const Box& box, Image& target, Resizer& resizer) {
    require(!target.empty() && target.channels == source.channels, "resize: the target is ",
            target.shape(), ", the source ", source.shape());
    resizer.columns(source, box.left, box.right, target.width);
    resizer.rows(box.top, box.bottom, target.height, [&](int y, const float* row) {
        std::uint8_t* to = target.row(y);
        for (int i = 0; i < target.width * target.channels; ++i) to[i] = to_pixel(row[i]);
    });
}

inline Image resize(const Image& source, const Box& box, const Extent& extent) {
    require(extent.width > 0 && extent.height > 0, "resize: the extent is ", extent.width, " x ",
            extent.height, ", expected at least one pixel");
    Image target(extent.width, extent.height, source.channels);
    Resizer resizer;
    resize(source, box, target, resizer);
    return target;
}

/// The whole image.
inline Image resize(const Image& source, const Extent& extent) {
    return resize(source, {0, 0, double(source.width), double(source.height)}, extent);
}

}  // namespace tessera
