// SPDX-License-Identifier: MIT
// Resize: any box of an image to any extent, antialiased, rounded once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tessera/core/add_product.hpp"
#include "tessera/core/box.hpp"
#include "tessera/core/error.hpp"
#include "tessera/image/axis_filter.hpp"
#include "tessera/image/image.hpp"
#include "tessera/image/row.hpp"

namespace tessera {

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
        pitch_ = values_ / block * block + block;  // at least one number is not used
        require(Index{source.height} * pitch_ <= Index{1} << 30, "resize: ", source.height,
                " rows brought to ", width, " pixels are ", Index{source.height} * pitch_,
                " numbers, expected at most 2^30");
        strip_.resize(std::size_t(source.height) * std::size_t(pitch_ / block));
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
        row_.resize(std::size_t(pitch_ / block));
        const float* strip = numbers(strip_);
        float* row = numbers(row_);
        for (int y = 0; y < height; ++y) {
            const float* from = strip + std::ptrdiff_t{rows_.first(y)} * pitch_;
            with_instructions([&](auto bytes) {
                detail::RowLoops<bytes>::blend(from, pitch_, rows_.weights(y), rows_.taps(),
                                               values_, row);
            });
            sink(y, static_cast<const float*>(row));
        }
    }

private:
    static constexpr int block = 16;  // one AVX-512 register; rows are padded to it
    struct alignas(64) Block {
        float values[block];
    };
    /// Of all blocks, one after another.
    static float* numbers(std::vector<Block>& blocks) {
        return reinterpret_cast<float*>(blocks.data());
    }

    /// One source row through the horizontal filter into the strip.
    void shrink_row(int y) {
        const std::uint8_t* source = source_->row(y);
        float* target = numbers(strip_) + std::ptrdiff_t{y} * pitch_;
        const int channels = source_->channels;
        const int taps = columns_.taps();
        const int width = values_ / channels;
        if (channels == 3) {
            const detail::ColourFilter filter{columns_.begin(),
                                              columns_.end() - columns_.begin(),
                                              columns_.firsts(),
                                              columns_.weights(0),
                                              taps,
                                              width};
            colours_.resize(static_cast<std::size_t>(filter.count));
            with_instructions([&](auto bytes) {
                detail::RowLoops<bytes>::shrink_colours(source, filter, colours_.data(), target);
            });
        } else {
            for (int x = 0; x < width; ++x) {
                for (int c = 0; c < channels; ++c) {
                    const std::uint8_t* from = source + columns_.first(x) * channels + c;
                    float sum = 0;
                    for (int k = 0; k < taps; ++k) {
                        add_product(sum, columns_.weights(x)[k],
                                    static_cast<float>(from[k * channels]));
                    }
                    target[x * channels + c] = sum;
                }
            }
        }
        std::fill(target + values_, target + pitch_, 0.0F);
    }

    const Image* source_ = nullptr;
    AxisFilter columns_;
    AxisFilter rows_;
    int values_ = 0;                            // floats in a row of the result
    int pitch_ = 0;                             // floats from one row to the next
    std::vector<Block> strip_;                  // (source height, target width, channels)
    std::vector<detail::ColourLanes> colours_;  // a source row
    std::vector<char> ready_;                   // which rows of the strip are computed
    std::vector<Block> row_;
};

/// `box` of `source` to the extent of `target`, which has been given its size and the channels of
/// the source. The box may be fractional, and may leave the image, which is then continued by its
/// mirror image.
inline void resize(const Image& source, const Box& box, Image& target, Resizer& resizer) {
    require(!target.empty() && target.channels == source.channels, "resize: the target is ",
            target.shape(), ", the source ", source.shape());
    resizer.columns(source, box.left, box.right, target.width);
    resizer.rows(box.top, box.bottom, target.height, [&](int y, const float* row) {
        round_pixels(row, target.width * target.channels, target.row(y));
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
