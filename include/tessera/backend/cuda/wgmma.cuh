// SPDX-License-Identifier: MIT
// What a warpgroup does as one on GPUs of compute capability 9.0: products of matrices of Bf16 that
// tensor cores read out of shared memory by themselves. Machine code for it must be asked for by
// name, sm_90a. All 128 threads of a warpgroup (4 warps, the first of which is a multiple of 4)
// must call all but the fence of copies, with the same descriptors.
#pragma once

#include <cstdint>

#include "tessera/backend/cuda/mma.cuh"

namespace tessera::cuda {

//   multiply_matrices<AlongKA, AlongKB>(sums, a, b)
//                                begins sums (64 x N) += A (64 x 16) B (16 x N), N = 64, 128 or
//                                192, for matrices in shared memory that a and b describe
//   fence_copies()               what the thread's own copies have brought, and it has waited for,
//                                products may read behind the next barrier
//   fence_sums()                 before products whose sums the thread has touched, or none did yet
//   end_products()               those begun since the last call are one group
//   wait_for_products<Left>()    all groups but the `Left` last: their operands may be overwritten,
//                                by other threads behind a barrier
//   take_sums(sums)              after wait_for_products<0>() and before they are touched
//   shared_address(place)        in bytes, of shared memory
//   has_wgmma()                  (host) whether the program has the code, and the GPU at hand takes
//   it
//
// The sum at place i, of thread t of the warpgroup, is row 16 (t / 32) + t % 32 / 4 + 8 (i / 2 %
// 2), column 8 (i / 4) + 2 (t % 4) + i % 2.

/// A matrix in shared memory in rows of 128 bytes whose 16-byte pieces change places by xor with
/// the row's number mod 8, as tensor cores take it. It lies
///   - k after k: a row has 64 k of a line; `stride` bytes from 8 lines to the next 8;
///   - line after line: a row has 64 lines of a k; `stride` bytes from 8 k to the next 8, `leading`
///     from 64 lines to the next 64.
/// 8 rows that belong together begin at a multiple of 1024 bytes; `address` may lie within their
/// first.
__device__ constexpr std::uint64_t matrix_descriptor(unsigned address, unsigned leading,
                                                     unsigned stride) {
    constexpr std::uint64_t all = 0x3FFFF, swizzled_by_128_bytes = 1;
    return (address & all) >> 4 | (leading & all) >> 4 << 16 | (stride & all) >> 4 << 32 |
           swizzled_by_128_bytes << 62;
}
/// The same `bytes` further, within shared memory.
__device__ constexpr std::uint64_t advanced(std::uint64_t descriptor, unsigned bytes) {
    return descriptor + (bytes >> 4);
}

}  // namespace tessera::cuda

#ifdef __CUDACC__
#include "tessera/backend/cuda/wgmma_device.cuh"
#else
#include "tessera/backend/cuda/wgmma_host.hpp"
#endif
