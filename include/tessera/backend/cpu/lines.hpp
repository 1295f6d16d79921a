// SPDX-License-Identifier: MIT
// Lines of images as the windows of a convolution see them, with zeros beside them. C3's image, 13
// x 13 x 256, takes a core of Zen 5 0.002 ms in the caches (bench_op_ops, lines3), its convolution
// two cores 0.7.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/interleave.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/range.hpp"
#include "tessera/backend/geometry.hpp"

namespace tessera::cpu {

/// The lines of an image, as far as windows lie on them or beside them.
struct Lines {
    Index width = 0;       ///< pixels of a line, those beside the image included
    bool complete = true;  ///< the image has them so

    constexpr explicit Lines(const ConvGeometry& g)
        : width(std::max<Index>(g.window.pad_left + g.input.width,
                                (g.output.width - 1) * Index{g.window.stride} + g.window.width)),
          complete(width == g.input.width) {}
};

/// The lines of the image on which the windows of output rows `rows` lie, rows of one image.
constexpr Range lines_under(const ConvGeometry& g, Range rows) {
    const Index height = g.input.height, stride = g.window.stride, top = g.window.pad_top;
    const Index begin = std::clamp<Index>(rows.begin * stride - top, 0, height);
    return {begin,
            std::clamp<Index>((rows.end - 1) * stride - top + g.window.height, begin, height)};
}

/// The rows of the window at output row `row` that lie on the image.
constexpr Range window_rows(const ConvGeometry& g, Index row) {
    const Index top = row * g.window.stride - g.window.pad_top, height = g.window.height;
    const Index begin = std::clamp<Index>(-top, 0, height);
    return {begin, std::clamp<Index>(g.input.height - top, begin, height)};
}

/// Copies channels `channels` of lines `lines` of an image, with zeros beside them:
/// to: lines.length() by Lines::width by channels.length().
template <class T>
void copy_lines(const ConvGeometry& g, const T* image, Range lines, Range channels, T* to) {
    const Index count = channels.length(), all = g.input.channels, width = g.input.width;
    const Index left = g.window.pad_left * count;
    const Index right = (Lines(g).width - g.window.pad_left - width) * count;
    const T* from = image + lines.begin * width * all + channels.begin;
    for (Index y = lines.begin; y < lines.end; ++y) {
        to = std::fill_n(to, left, T{});
        if (count == all) {
            to = std::copy_n(from, width * count, to);
            from += width * all;
        } else {
            for (Index x = 0; x < width; ++x, from += all, to += count) copy_run(from, to, count);
        }
        to = std::fill_n(to, right, T{});
    }
}

/// The same of two images, of which one may be null: pairs of their numbers.
inline void copy_lines(const ConvGeometry& g, const Bf16* first, const Bf16* second, Range lines,
                       Range channels, Pair* to) {
    const Index count = channels.length(), all = g.input.channels, width = g.input.width;
    const Index left = g.window.pad_left * count;
    const Index right = (Lines(g).width - g.window.pad_left - width) * count;
    // Pixels that follow one another without a gap are one.
    const Index pixels = count == all ? 1 : width, length = count == all ? width * all : count;
    Index from = lines.begin * width * all + channels.begin;
    for (Index y = lines.begin; y < lines.end; ++y) {
        to = std::fill_n(to, left, Pair{});
        for (Index x = 0; x < pixels; ++x, from += width / pixels * all, to += length) {
            interleave(first ? first + from : nullptr, second ? second + from : nullptr, length,
                       to);
        }
        to = std::fill_n(to, right, Pair{});
    }
}

/// A convolution as its products see it: the channels of a group as factors of T.
template <class T>
constexpr ConvGeometry in_factors(const ConvGeometry& g) {
    ConvGeometry f = g;
    f.input.channels = g.groups * static_cast<int>(factors<T>(g.input.channels / g.groups));
    return f;
}

/// Copies lines `lines` of an image, all channels of them, as factors, with zeros beside them and
/// behind the last channel of a group where that lacks its second.
template <class T>
void copy_factors(const ConvGeometry& g, const T* image, Range lines, Factor<T>* to) {
    const ConvGeometry f = in_factors<T>(g);
    const Index channels = g.input.channels / g.groups;
    if (channels % factor_length<T> == 0) {
        copy_lines(f, as_factors(image), lines, {0, f.input.channels}, to);
        return;
    }
    if constexpr (std::is_same_v<T, Bf16>) {
        const Index width = g.input.width, left = g.window.pad_left * Index{f.input.channels};
        const Index right = (Lines(g).width - g.window.pad_left - width) * f.input.channels;
        const Bf16* from = image + lines.begin * width * g.input.channels;
        for (Index y = lines.begin; y < lines.end; ++y) {
            to = std::fill_n(to, left, Pair{});
            for (Index n = 0; n < width * g.groups; ++n, from += channels) {
                for (Index c = 0; c + 1 < channels; c += 2) *to++ = {from[c], from[c + 1]};
                *to++ = {from[channels - 1], Bf16{}};
            }
            to = std::fill_n(to, right, Pair{});
        }
    }
}

}  // namespace tessera::cpu
