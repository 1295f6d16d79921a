// SPDX-License-Identifier: MIT
// Sums over windows of neighbouring channels, each computed afresh: a sum that slides along would
// carry its rounding errors from channel to channel.
#pragma once

#include "tessera/backend/cuda/pack.cuh"

namespace tessera::cuda {

/// How far packs of `Width` see to either side: as far as they are wide, but no further than 4. A
/// window of 5 takes two numbers from each side; of a whole pack of 8 it would compute six for
/// nothing, and keep them in registers.
template <int Width>
inline constexpr int window_reach = Width < 4 ? Width : 4;

/// For each channel i of the pack that begins at `first`, the sum of value(j) over j in i - before
/// .. i + after, clipped to 0 .. channels - 1. value(Position<n>{}, j) gives the pack of n values
/// that begins at j. Only packs of one may have windows that reach further than window_reach.
template <int Width, class T, class Value>
__device__ Pack<T, Width> window_sums(int first, int channels, int before, int after,
                                      const Value& value) {
    Pack<T, Width> sums{};
    if constexpr (Width == 1) {
        const int begin = first - before > 0 ? first - before : 0;
        const int end = first + after < channels - 1 ? first + after : channels - 1;
        for (int j = begin; j <= end; ++j) sums[0] += value(Position<1>{}, j)[0];
    } else {
        constexpr int reach = window_reach<Width>;
        Pack<T, reach> left{}, right{};
        if (first > 0) left = value(Position<reach>{}, first - reach);
        const Pack<T, Width> own = value(Position<Width>{}, first);
        if (first + Width < channels) right = value(Position<reach>{}, first + Width);
        const auto add = [&](int d) {
            for (int k = 0; k < Width; ++k) {
                const int j = k + d;
                sums[k] += j < 0 ? left[reach + j] : j < Width ? own[j] : right[j - Width];
            }
        };
        if constexpr (reach >= 2) {
            // A window of 5, which nearly all networks take, without a question per channel.
            if (before == 2 && after == 2) {
                for (int d = -2; d <= 2; ++d) add(d);
                return sums;
            }
        }
        for (int d = -reach; d <= reach; ++d) {
            if (d >= -before && d <= after) add(d);
        }
    }
    return sums;
}

}  // namespace tessera::cuda
