// SPDX-License-Identifier: MIT
// What a warp does as one: products of small matrices on tensor cores, loads of their fragments
// from shared memory, and copies from device to shared memory that run on their own. Needs compute
// capability 8.0. All 32 lanes must call all but the copies.
#pragma once

#include <cstdint>

#include "tessera/backend/cuda/bfloat16.cuh"

namespace tessera::cuda {

//   Fragment                               16 lines x 32 bytes of a matrix, 16 bytes a lane: word 0
//                                          holds lines 0-7 and bytes 0-15, word 1 lines 8-15, word
//                                          2 lines 0-7 and bytes 16-31, word 3 lines 8-15; within
//                                          each, lane l has line l / 4, bytes 4 (l % 4) on
//   multiply_add<T>(sums, a, b0, b1)       sums (16 x 8) += a (16 lines) times b (8 lines)^T, over
//                                          16 Bf16 or 8 float (TF32); b0 and b1 are the words of a
//                                          Fragment with the same lines
//   load_matrices(row)                     a Fragment; lane l gives the address of the 16 bytes of
//                                          line l % 16, the upper ones for l >= 16
//   load_matrices_transposed(row)          a Fragment of Bf16 from memory in which lines are
//                                          columns; lane l gives the address of 8 lines, from
//                                          l / 8 % 2 * 8 on, at number l % 8 + l / 16 * 8 of 16
//   begin_copy<Bytes>(to, from, wanted)    4, 8 or 16 bytes, nought where not wanted; nothing is
//                                          read then, yet `from` is a multiple of Bytes
//   end_copies()                           those begun since the last call are one group
//   wait_for_copies<Left>()                for the thread's own, all groups but the `Left` last
//   rounded_to_tf32(word)                  the float in a word to 10 bits of fraction, ties away
//                                          from nought
//
// The sum at word i of `sums`, lane l, is row l / 4 + 8 (i / 2), column 2 (l % 4) + i % 2.

/// A lane's part of 16 lines x 32 bytes.
struct Fragment {
    std::uint32_t words[4];
};

}  // namespace tessera::cuda

// Before a loop that must be written out: arrays stay in registers only if every index is a
// constant. A macro because g++ warns of the pragma, and a loop of lambdas takes nvcc twice as
// long.
#ifdef __CUDACC__
#define TESSERA_UNROLLED _Pragma("unroll")
#else
#define TESSERA_UNROLLED
#endif

#ifdef __CUDACC__
#include "tessera/backend/cuda/mma_device.cuh"
#else
#include "tessera/backend/cuda/mma_host.hpp"
#endif
