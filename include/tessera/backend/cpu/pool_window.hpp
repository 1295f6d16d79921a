// SPDX-License-Identifier: MIT
// Which input positions a pooling window covers, which windows cover an input position, and the
// loops over both.
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/range.hpp"
#include "tessera/backend/cpu/with_instructions.hpp"
#include "tessera/backend/geometry.hpp"

namespace tessera::cpu {

/// One axis of a pooling.
struct PoolAxis {
    Index input = 1;
    Index output = 1;
    Index window = 1;
    Index stride = 1;
    Index pad = 0;

    /// The input positions inside window `o`.
    constexpr Range covered(Index o) const {
        const Index first = o * stride - pad;
        return {std::max<Index>(0, first), std::min(input, first + window)};
    }
    /// The windows that hold input position `i`.
    constexpr Range covering(Index i) const {
        const Index past = i + pad - window;  // the last position before the first such window
        return {past < 0 ? 0 : past / stride + 1, std::min(output, (i + pad) / stride + 1)};
    }
};

constexpr PoolAxis rows_of(const PoolGeometry& g) {
    return {g.input.height, g.output.height, g.window.height, g.window.stride, g.window.pad_top};
}

constexpr PoolAxis columns_of(const PoolGeometry& g) {
    return {g.input.width, g.output.width, g.window.width, g.window.stride, g.window.pad_left};
}

/// Channels that are pooled at once.
inline constexpr Index pool_lanes = 32;

/// Calls f(at, image, rows, columns) for each position `at` of the output, counted over the batch:
/// what its window covers of an image.
template <class F>
void each_window(const PoolGeometry& g, const F& f) {
    const Index height = g.output.height, width = g.output.width;
    parallel_vectors(g.batch * height, threads_for(g.batch * g.input.size(), max_threads()),
                     [&](Index begin, Index end) {
                         for (Index row = begin; row < end; ++row) {
                             const Range rows = rows_of(g).covered(row % height);
                             for (Index i = 0; i < width; ++i) {
                                 f(row * width + i, row / height, rows, columns_of(g).covered(i));
                             }
                         }
                     });
}

/// Calls f(at, image, rows, columns) for each position `at` of the input, counted over the batch:
/// the windows of an image that hold it.
template <class F>
void each_pixel(const PoolGeometry& g, const F& f) {
    const Index height = g.input.height, width = g.input.width;
    parallel_vectors(g.batch * height, threads_for(g.batch * g.input.size(), max_threads()),
                     [&](Index begin, Index end) {
                         for (Index row = begin; row < end; ++row) {
                             const Range rows = rows_of(g).covering(row % height);
                             for (Index i = 0; i < width; ++i) {
                                 f(row * width + i, row / height, rows, columns_of(g).covering(i));
                             }
                         }
                     });
}

}  // namespace tessera::cpu
