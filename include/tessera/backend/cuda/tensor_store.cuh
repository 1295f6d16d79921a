// SPDX-License-Identifier: MIT
// How sums leave the registers in which tensor cores leave them.
#pragma once

#include "tessera/backend/cuda/product_parts.cuh"

namespace tessera::cuda {

/// The four lanes of a row store 16 sums: a lane has columns 2 (lane % 4) and the next of the first
/// 8, `low`, and of the second 8, `high`. `Width` = 2 where rows of C are whole packs, else 1.
///
/// Two numbers of 4 bytes go out as they are: four lanes fill 32 bytes, the least a GPU writes. Of
/// 2 bytes four must go out together, two of them from the neighbouring lane.
template <int Width, class Number>
__device__ void store_pieces(const SumStore<float, Number>& to, const ProductExtents& extents,
                             int group, int y, int column, const Pack<float, 2>& low,
                             const Pack<float, 2>& high) {
    const int lane = static_cast<int>(threadIdx.x % lanes);
    if constexpr (Width == 2 && sizeof(Number) == 2) {
        // Of each pair of lanes the even one gets four of `low`, the odd one four of `high`.
        const bool odd = lane % 2 != 0;
        Pack<float, 2> given = odd ? low : high, kept = odd ? high : low;
        for (float& value : given.values) value = __shfl_xor_sync(0xFFFFFFFF, value, 1);
        const Pack<float, 2> first = odd ? given : kept, second = odd ? kept : given;
        const int x = column + (odd ? 8 : 0) + lane % 4 / 2 * 4;
        if (y < extents.rows && x < extents.columns) {
            to(group, y, x, Pack<float, 4>{{first[0], first[1], second[0], second[1]}});
        }
    } else {
        const int x = column + 2 * (lane % 4);
        for (int part = 0; part < 2; ++part) {
            const Pack<float, 2>& values = part == 0 ? low : high;
            for (int i = 0; i < 2; i += Width) {
                if (y >= extents.rows || x + 8 * part + i >= extents.columns) continue;
                if constexpr (Width == 2) {
                    to(group, y, x + 8 * part, values);
                } else {
                    to(group, y, x + 8 * part + i, Pack<float, 1>{{values[i]}});
                }
            }
        }
    }
}

}  // namespace tessera::cuda
