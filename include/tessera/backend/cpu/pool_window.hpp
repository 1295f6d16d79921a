// SPDX-License-Identifier: MIT
// Which input positions a pooling window covers, and which windows cover an input position.
#pragma once

#include <algorithm>

#include "tessera/backend/geometry.hpp"

namespace tessera::cpu {

/// Positions begin .. end - 1 along one axis; empty when end <= begin.
struct Span {
    Index begin = 0;
    Index end = 0;
};

/// One axis of a pooling.
struct PoolAxis {
    Index input = 1;
    Index output = 1;
    Index window = 1;
    Index stride = 1;
    Index pad = 0;

    /// The input positions inside window `o`.
    constexpr Span covered(Index o) const {
        const Index first = o * stride - pad;
        return {std::max<Index>(0, first), std::min(input, first + window)};
    }
    /// The windows that hold input position `i`.
    constexpr Span covering(Index i) const {
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

}  // namespace tessera::cpu
