// SPDX-License-Identifier: MIT
// Transposition, by blocks of 4 x 4 in registers: 4 loads, 8 shuffles, 4 stores. Unrolled by hand:
// at -O2 g++ would leave the blocks in memory.
//
// Rows that are a multiple of 4 KB apart share the 12 ways of one set of the first-level cache, and
// the order of the blocks decides how often a line comes again: four blocks fill a line of each of
// 4 rows of the result, while the rows that are read stay where they are, 16 of them if they share
// a set, otherwise 64. 9,216 x 128 numbers take 0.09 to 0.10 ms on two cores of Zen 5, 95 to 107
// GB/s (bench/run.sh); 4 rows read from end to end took 1.0.
#pragma once

#include <algorithm>
#include <cstring>

#include "tessera/backend/cpu/pair.hpp"
#include "tessera/core/shape.hpp"

namespace tessera::cpu {

namespace detail {

/// to[n * stride + m] = from[m * from_stride + n] for 4 x 4 elements.
inline void transpose_4_by_4(const float* from, Index from_stride, float* to, Index stride) {
    typedef float Lanes4 __attribute__((vector_size(16)));
    Lanes4 in[4];
#pragma GCC unroll 4
    for (int m = 0; m < 4; ++m) std::memcpy(&in[m], from + m * from_stride, sizeof in[m]);
    const Lanes4 low_02 = __builtin_shufflevector(in[0], in[2], 0, 4, 1, 5);
    const Lanes4 high_02 = __builtin_shufflevector(in[0], in[2], 2, 6, 3, 7);
    const Lanes4 low_13 = __builtin_shufflevector(in[1], in[3], 0, 4, 1, 5);
    const Lanes4 high_13 = __builtin_shufflevector(in[1], in[3], 2, 6, 3, 7);
    const Lanes4 out[4] = {__builtin_shufflevector(low_02, low_13, 0, 4, 1, 5),
                           __builtin_shufflevector(low_02, low_13, 2, 6, 3, 7),
                           __builtin_shufflevector(high_02, high_13, 0, 4, 1, 5),
                           __builtin_shufflevector(high_02, high_13, 2, 6, 3, 7)};
#pragma GCC unroll 4
    for (int n = 0; n < 4; ++n) std::memcpy(to + n * stride, &out[n], sizeof out[n]);
}
inline void transpose_4_by_4(const Pair* from, Index from_stride, Pair* to, Index stride) {
    transpose_4_by_4(reinterpret_cast<const float*>(from), from_stride,
                     reinterpret_cast<float*>(to), stride);
}
inline void transpose_4_by_4(const double* from, Index from_stride, double* to, Index stride) {
    for (int m = 0; m < 4; ++m) {
        for (int n = 0; n < 4; ++n) to[n * stride + m] = from[m * from_stride + n];
    }
}

}  // namespace detail

/// to[k * to_stride + n] = from[n * stride + k] for n in 0 .. rows - 1, k in 0 .. columns - 1.
template <class T>
void transpose(const T* from, Index stride, Index rows, Index columns, T* to, Index to_stride) {
    const Index whole = rows / 4 * 4, fours = columns / 4 * 4;
    const Index together = stride * static_cast<Index>(sizeof(T)) % 4096 == 0 ? 16 : 64;
    for (Index begin = 0; begin < whole; begin += together) {
        const Index end = std::min(begin + together, whole);
        for (Index k = 0; k < fours; k += 4) {
            for (Index n = begin; n < end; n += 4) {
                detail::transpose_4_by_4(from + n * stride + k, stride, to + k * to_stride + n,
                                         to_stride);
            }
        }
    }
    for (Index n = 0; n < rows; ++n) {
        for (Index k = n < whole ? fours : 0; k < columns; ++k) {
            to[k * to_stride + n] = from[n * stride + k];
        }
    }
}

}  // namespace tessera::cpu
