// SPDX-License-Identifier: MIT
// Sums and maxima over the 32 lanes of a warp. All lanes must call, and all get the same bits.
#pragma once

#include "tessera/backend/cuda/runtime.cuh"

namespace tessera::cuda {

/// The running thread's place in its warp, and its warp's number in a grid of one dimension.
__device__ inline Index lane() { return threadIdx.x % lanes; }
__device__ inline Index global_warp() { return global_thread() / lanes; }

template <class T>
__device__ T warp_sum(T value) {
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xFFFFFFFF, value, step);
    return value;
}

/// NaN is passed over, or not: it depends on where it is.
template <class T>
__device__ T warp_max(T value) {
    for (int step = 16; step > 0; step /= 2) {
        const T other = __shfl_xor_sync(0xFFFFFFFF, value, step);
        value = other > value ? other : value;
    }
    return value;
}

}  // namespace tessera::cuda
