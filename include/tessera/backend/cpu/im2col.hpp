// SPDX-License-Identifier: MIT
// Patches of images as rows of a matrix, and back.
//
// A row of the matrix is one output position, its columns are (ky, kx, channel of the group), as in
// the weights. Ranges are counted in rows of output images, batch * output.height in all.
//
// A row of a window is a run of numbers in the image where there are no groups: 480 of C2's,
// 1,536 of FC6's as a convolution. Columns are about 1 MB, which stays in the second-level cache
// until the product reads it. A core of Zen 5 writes C2's columns of an image without groups, 7.0
// MB, in 0.08 to 0.10 ms, and adds as many to an image in 0.08 to 0.11 ms (bench/run.sh): 3 per
// cent of the 3.6 ms that the 0.90 GFLOP of their product are at 248 GFLOP/s.
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/range.hpp"
#include "tessera/backend/geometry.hpp"

namespace tessera::cpu {

constexpr Index output_rows(const ConvGeometry& g) { return Index{g.batch} * g.output.height; }
constexpr Index output_row_size(const ConvGeometry& g) {
    return Index{g.output.width} * g.output.channels;
}

constexpr bool is_pointwise(const ConvGeometry& g) {
    return g.window.height == 1 && g.window.width == 1 && g.window.stride == 1 &&
           g.input.height == g.output.height && g.input.width == g.output.width;
}

/// The input itself is the matrix: each pixel, or each image, is one patch.
constexpr bool is_matrix(const ConvGeometry& g) {
    const bool whole = g.groups == 1 && g.output.area() == 1 && g.window.height == g.input.height &&
                       g.window.width == g.input.width;
    return (is_pointwise(g) || whole) && g.window.pad_top == 0 && g.window.pad_left == 0;
}

/// Where it is: elements from patch to patch, and before the patches of a group from an output row
/// on.
constexpr Index matrix_stride(const ConvGeometry& g) {
    return is_pointwise(g) ? g.input.channels : g.input.size();
}
constexpr Index matrix_offset(const ConvGeometry& g, int group, Index row) {
    return row * g.output.width * matrix_stride(g) + group * (g.input.channels / g.groups);
}

namespace detail {

/// The columns of a window that lie inside the image, for the window that begins at input column
/// `left`.
struct Inside {
    Index begin = 0;
    Index end = 0;

    constexpr Inside(const ConvGeometry& g, Index left)
        : begin(std::min<Index>(g.window.width, std::max<Index>(0, -left))),
          end(std::max(begin, std::min<Index>(g.window.width, g.input.width - left))) {}
};

}  // namespace detail

/// Columns `taps` of the patches of output rows `rows` of one group.
/// columns: rows.length() * output.width by taps.length().
template <class T>
void image_to_columns(const ConvGeometry& g, int group, Range rows, Range taps, const T* x,
                      T* columns) {
    const Index channels = g.input.channels / g.groups;
    const Index stretch = g.window.width * channels;  // one row of a window
    // `count` columns from `column` on, as far as they are wanted; zeros where there is no image.
    const auto put = [&](Index column, Index count, const T* from) {
        const Index low = std::max(column, taps.begin), high = std::min(column + count, taps.end);
        if (low >= high) return;
        if (from) {
            copy_run(from + (low - column), columns + (low - taps.begin), high - low);
        } else {
            std::fill_n(columns + (low - taps.begin), high - low, T{0});
        }
    };
    for (Index row = rows.begin; row < rows.end; ++row) {
        const T* image = x + row / g.output.height * g.input.size() + group * channels;
        const Index top = row % g.output.height * g.window.stride - g.window.pad_top;
        for (Index ox = 0; ox < g.output.width; ++ox, columns += taps.length()) {
            const Index left = ox * g.window.stride - g.window.pad_left;
            const detail::Inside inside(g, left);
            const bool whole = g.groups == 1 && inside.end - inside.begin == g.window.width;
            for (Index ky = taps.begin / stretch; ky * stretch < taps.end; ++ky) {
                const Index iy = top + ky;
                const bool outside = iy < 0 || iy >= g.input.height;
                const T* line = image + iy * g.input.width * g.input.channels;
                if (outside || whole) {
                    put(ky * stretch, stretch, outside ? nullptr : line + left * channels);
                    continue;
                }
                for (Index kx = 0; kx < g.window.width; ++kx) {
                    const bool beside = kx < inside.begin || kx >= inside.end;
                    put(ky * stretch + kx * channels, channels,
                        beside ? nullptr : line + (left + kx) * g.input.channels);
                }
            }
        }
    }
}

/// Adds to input row `iy` of image `n` what the columns of output rows `rows` hold of it, upper
/// rows first: in the same order however many rows there are at a time.
template <class T>
void add_columns_to_row(const ConvGeometry& g, int group, Range rows, const T* columns, Index n,
                        Index iy, T* dx) {
    const Index channels = g.input.channels / g.groups;
    T* row = dx + (n * g.input.height + iy) * g.input.width * g.input.channels + group * channels;
    for (Index ky = g.window.height; ky-- > 0;) {
        const Index offset = iy + g.window.pad_top - ky;
        const Index oy = offset / g.window.stride;
        const Index from_row = n * g.output.height + oy;
        if (offset < 0 || offset % g.window.stride != 0 || oy >= g.output.height ||
            from_row < rows.begin || from_row >= rows.end) {
            continue;
        }
        for (Index ox = 0; ox < g.output.width; ++ox) {
            const Index left = ox * g.window.stride - g.window.pad_left;
            const detail::Inside inside(g, left);
            const T* from = columns + ((from_row - rows.begin) * g.output.width + ox) * g.depth() +
                            ky * g.window.width * channels;
            if (g.groups == 1) {
                add_run(from + inside.begin * channels, row + (left + inside.begin) * channels,
                        (inside.end - inside.begin) * channels);
            } else {
                for (Index kx = inside.begin; kx < inside.end; ++kx) {
                    add_run(from + kx * channels, row + (left + kx) * g.input.channels, channels);
                }
            }
        }
    }
}

}  // namespace tessera::cpu
