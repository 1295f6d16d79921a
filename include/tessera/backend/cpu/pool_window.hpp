// SPDX-License-Identifier: MIT
// Which input positions a pooling window covers, which windows cover an input position, and the
// loops over both.
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/parallel_vectors.hpp"
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
    /// From the windows that hold i - 1 to those that hold i, without a division.
    constexpr void advance(Range& windows, Index i) const {
        windows.begin += windows.begin * stride - pad + window <= i;
        windows.end += windows.end < output && windows.end * stride - pad <= i;
    }
};

constexpr PoolAxis rows_of(const PoolGeometry& g) {
    return {g.input.height, g.output.height, g.window.height, g.window.stride, g.window.pad_top};
}

constexpr PoolAxis columns_of(const PoolGeometry& g) {
    return {g.input.width, g.output.width, g.window.width, g.window.stride, g.window.pad_left};
}

/// Calls f(bytes, at, image, rows) for each row of the output: `at` is its first position, counted
/// over the batch, `rows` what its windows cover of an image, `bytes` the width of a vector.
template <class F>
void each_output_row(const PoolGeometry& g, const F& f) {
    const Index height = g.output.height;
    parallel_vectors(g.batch * height, threads_for(g.batch * g.input.size(), max_threads()),
                     [&](auto bytes, Index begin, Index end) {
                         for (Index row = begin; row < end; ++row) {
                             const Range rows = rows_of(g).covered(row % height);
                             f(bytes, row * g.output.width, row / height, rows);
                         }
                     });
}

/// The same for each row of the input: `rows` are those of windows that hold it.
template <class F>
void each_input_row(const PoolGeometry& g, const F& f) {
    const Index height = g.input.height;
    parallel_vectors(g.batch * height, threads_for(g.batch * g.input.size(), max_threads()),
                     [&](auto bytes, Index begin, Index end) {
                         for (Index row = begin; row < end; ++row) {
                             const Range rows = rows_of(g).covering(row % height);
                             f(bytes, row * g.input.width, row / height, rows);
                         }
                     });
}

}  // namespace tessera::cpu
