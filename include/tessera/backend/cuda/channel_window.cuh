// SPDX-License-Identifier: MIT
// Sums over windows of neighbouring channels, each computed afresh: a sum that slides along would
// carry its rounding errors from channel to channel.
#pragma once

#include "tessera/backend/cuda/pack.cuh"

namespace tessera::cuda {

/// For each channel i of the pack that begins at `first`, the sum of value(j) over j in i - before
/// .. i + after, clipped to 0 .. channels - 1. value(Position<n>{}, j) gives the pack of n values
/// that begins at j. Only packs of one may have windows that reach further than a pack.
template <int Width, class T, class Value>
__device__ Pack<T, Width> window_sums(int first, int channels, int before, int after,
                                      const Value& value) {
    Pack<T, Width> sums{};
    if constexpr (Width == 1) {
        const int begin = first - before > 0 ? first - before : 0;
        const int end = first + after < channels - 1 ? first + after : channels - 1;
        for (int j = begin; j <= end; ++j) sums[0] += value(Position<1>{}, j)[0];
    } else {
        Pack<T, Width> packs[3] = {};
        if (first > 0) packs[0] = value(Position<Width>{}, first - Width);
        packs[1] = value(Position<Width>{}, first);
        if (first + Width < channels) packs[2] = value(Position<Width>{}, first + Width);
        for (int d = -Width; d <= Width; ++d) {
            if (d < -before || d > after) continue;
            for (int k = 0; k < Width; ++k) {
                const int j = Width + d + k;
                sums[k] += packs[j / Width][j % Width];
            }
        }
    }
    return sums;
}

}  // namespace tessera::cuda
