// SPDX-License-Identifier: MIT
// What the passes of a direct convolution work with, and how much of it at a time.
#pragma once

#include <algorithm>
#include <utility>

#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/lines.hpp"
#include "tessera/backend/cpu/pair_panel.hpp"
#include "tessera/backend/cpu/tile.hpp"

namespace tessera::cpu {

/// The convolution that takes dy to dx, for a stride of 1: that of dy with the window turned around
/// and channels and filters exchanged.
constexpr ConvGeometry turned(const ConvGeometry& g) {
    ConvGeometry t = g;
    std::swap(t.input, t.output);
    t.window.pad_top = g.window.height - 1 - g.window.pad_top;
    t.window.pad_left = g.window.width - 1 - g.window.pad_left;
    return t;
}

/// It exists: the window moves by single pixels, and there is no padding that no window touches.
constexpr bool is_turnable(const ConvGeometry& g) {
    return g.window.stride == 1 && g.window.pad_top < g.window.height &&
           g.window.pad_left < g.window.width;
}

/// The lines of the images are as products in factors of T want them.
template <class T>
constexpr bool are_in_place(const ConvGeometry& g) {
    return Lines(g).complete && g.input.channels / g.groups % factor_length<T> == 0;
}

/// Too few channels for rows of a tile, which then run on from pixel to pixel: (kx, channel).
constexpr bool is_merged(const ConvGeometry& g) { return g.groups == 1 && g.input.channels <= 6; }

/// The factors of the sums that make the weights' gradient are pairs of rows. Else, in bfloat16,
/// they are pairs of images, so that whatever else is odd needs no filling up.
template <class T>
constexpr bool pairs_rows(const ConvGeometry& g) {
    return factor_length<T> > 1 && g.batch == 1;
}

/// The lines under output rows `rows`. Where these are in pairs, so is each line with the one under
/// the next output row, and the first ones may lie above the image.
template <class T>
constexpr Range gradient_lines(const ConvGeometry& g, Range rows) {
    Range lines = lines_under(g, rows);
    const Index stride = g.window.stride;
    if (pairs_rows<T>(g)) {
        lines.begin = std::clamp<Index>(rows.begin * stride - g.window.pad_top, -stride, lines.end);
    }
    return lines;
}

/// The images and the rows of each that the gradient of the weights takes at a time: rows of one
/// image, or all rows of several, which are counted in factors.
struct GradientBlock {
    int images = 1;
    Index rows = 0;

    /// Rows of factors.
    template <class T>
    constexpr Index factor_rows(const ConvGeometry& g) const {
        return images * (pairs_rows<T>(g) ? factors<T>(rows) : rows);
    }

    /// As many as have gradients of half a megabyte in panels.
    template <class T>
    static constexpr GradientBlock of(const ConvGeometry& g) {
        constexpr Index budget = (Index{1} << 19) / static_cast<Index>(sizeof(Factor<T>));
        const Index most = budget / panels_size<Factor<T>>(g.output.width, g.filters());
        const Index height = g.output.height;
        if (pairs_rows<T>(g)) return {1, std::clamp<Index>(2 * most, 2, height + height % 2)};
        if (most < height) return {1, std::max<Index>(1, most)};
        return {static_cast<int>(std::min(factors<T>(g.batch), most / height)), height};
    }
};

/// The working memory of all passes, which are in factors of T.
template <class T>
class DirectMemory {
    using F = Factor<T>;

public:
    /// Bytes that the constructor asks of its `scratch`.
    static constexpr std::size_t bytes(const ConvGeometry& g, int threads) {
        return carved_bytes<F>(weights_size(g)) +
               static_cast<std::size_t>(threads) * thread_bytes(g);
    }

    DirectMemory(const ConvGeometry& g, const Scratch& scratch)
        : lines_(carved_bytes<F>(lines_size(g))),
          gradient_(carved_bytes<F>(gradient_size(g))),
          stride_(thread_bytes(g)) {
        Carve carve(scratch);
        weights_ = carve.take<F>(weights_size(g));
        threads_ = carve.take<std::byte>(
            static_cast<Index>(static_cast<std::size_t>(scratch.threads) * stride_));
    }

    /// The weights of all groups in panels.
    F* weights() const { return weights_; }
    /// Lines of images.
    F* lines(int thread) const { return reinterpret_cast<F*>(of(thread)); }
    /// The gradient of the outputs of a block in panels.
    F* gradient(int thread) const { return reinterpret_cast<F*>(of(thread) + lines_); }
    /// Where the runs of a task begin: as many as the window has elements, or a block has rows.
    Run* runs(int thread) const { return reinterpret_cast<Run*>(of(thread) + lines_ + gradient_); }

    /// Output rows of an image whose lines take half a megabyte, half of a core's own cache.
    static constexpr Index rows_at_once(const ConvGeometry& g) {
        constexpr Index budget = (Index{1} << 19) / static_cast<Index>(sizeof(F));
        const Index lines = budget / line_size(g);
        return std::clamp<Index>((lines - g.window.height) / g.window.stride + 1, 1,
                                 g.output.height);
    }

    static constexpr Index weights_size(const ConvGeometry& g) {
        const ConvGeometry back = turned(g);
        return g.groups * std::max(panels_size<F>(in_factors<T>(g).depth(), g.filters()),
                                   is_turnable(g)
                                       ? panels_size<F>(in_factors<T>(back).depth(), back.filters())
                                       : 0);
    }

private:
    static constexpr Index line_size(const ConvGeometry& g) {
        return Lines(g).width * in_factors<T>(g).input.channels;
    }
    static constexpr Index line_count(const ConvGeometry& g, Index rows) {
        return std::min<Index>(g.input.height, (rows - 1) * g.window.stride + g.window.height);
    }
    static constexpr Index copied_size(const ConvGeometry& g) {
        return are_in_place<T>(g) ? 0 : line_count(g, rows_at_once(g)) * line_size(g);
    }
    static constexpr Index lines_size(const ConvGeometry& g) {
        const GradientBlock block = GradientBlock::of<T>(g);
        const Index channels = std::min<Index>(g.input.channels / g.groups, most_tile_rows);
        const Index before = pairs_rows<T>(g) ? g.window.stride : 0;
        return std::max(
            {copied_size(g), is_turnable(g) ? copied_size(turned(g)) : 0,
             block.images * (line_count(g, block.rows) + before) * Lines(g).width * channels});
    }
    static constexpr Index gradient_size(const ConvGeometry& g) {
        const GradientBlock block = GradientBlock::of<T>(g);
        return panels_size<F>(block.template factor_rows<T>(g) * g.output.width, g.filters());
    }
    static constexpr std::size_t thread_bytes(const ConvGeometry& g) {
        const GradientBlock block = GradientBlock::of<T>(g);
        return carved_bytes<F>(lines_size(g)) + carved_bytes<F>(gradient_size(g)) +
               carved_bytes<Run>(
                   std::max(Index{g.window.height} * g.window.width, block.images * block.rows));
    }
    std::byte* of(int thread) const {
        return threads_ + static_cast<std::size_t>(thread) * stride_;
    }

    std::size_t lines_, gradient_, stride_;  // bytes
    F* weights_ = nullptr;
    std::byte* threads_ = nullptr;
};

}  // namespace tessera::cpu
