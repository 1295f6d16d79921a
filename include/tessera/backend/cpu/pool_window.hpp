// SPDX-License-Identifier: MIT
// Which input positions a pooling window covers, which windows cover an input position, and the
// loops over both.
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/range.hpp"
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

/// to = from, rounded to T, where `length` may be a constant of the type.
template <class T, class Length>
void round_run(const Master<T>* from, Length length, T* to) {
    if constexpr (std::is_same_v<T, Master<T>>) {
        std::copy_n(from, length, to);
    } else {
        T piece[32];
        for (Index k = 0; k < length; ++k) piece[k] = static_cast<T>(from[k]);
        std::copy_n(piece, length, to);
    }
}

/// Channels that are pooled at once.
inline constexpr Index pool_lanes = 32;

/// Calls f(at, image, rows, columns) for each position `at` of the output, counted over the batch:
/// what its window covers of an image.
template <class F>
void each_window(const PoolGeometry& g, const F& f) {
    parallel_for(g.batch * Index{g.output.height},
                 threads_for(g.batch * g.input.size(), max_threads()),
                 [&](Index begin, Index end, int) {
                     for (Index at = begin * g.output.width; at < end * g.output.width; ++at) {
                         const Index row = at / g.output.width;
                         f(at, row / g.output.height, rows_of(g).covered(row % g.output.height),
                           columns_of(g).covered(at % g.output.width));
                     }
                 });
}

/// Calls f(at, image, rows, columns) for each position `at` of the input, counted over the batch:
/// the windows of an image that hold it.
template <class F>
void each_pixel(const PoolGeometry& g, const F& f) {
    parallel_for(g.batch * Index{g.input.height},
                 threads_for(g.batch * g.input.size(), max_threads()),
                 [&](Index begin, Index end, int) {
                     for (Index at = begin * g.input.width; at < end * g.input.width; ++at) {
                         const Index row = at / g.input.width;
                         f(at, row / g.input.height, rows_of(g).covering(row % g.input.height),
                           columns_of(g).covering(at % g.input.width));
                     }
                 });
}

}  // namespace tessera::cpu
