// SPDX-License-Identifier: MIT
// What the CUDA backend asks of the machine: memory, copies, launches, errors. On a GPU that is the
// CUDA runtime; where TESSERA_CUDA_ON_CPU is defined, kernels run on the processor (simt.hpp), for
// tests.
//
// All work goes to the calling thread's own stream, in order, but for the copies of a SideStream;
// only what returns numbers to the host waits.
#pragma once

#include "tessera/core/buffer.hpp"

#ifdef __CUDACC__
#include "tessera/backend/cuda/device.cuh"
#include "tessera/backend/cuda/device_events.cuh"
#include "tessera/backend/cuda/device_tape.cuh"
#elif defined(TESSERA_CUDA_ON_CPU)
#include "tessera/backend/cuda/host_device.hpp"
#include "tessera/backend/cuda/host_events.hpp"
#include "tessera/backend/cuda/host_tape.hpp"
#else
#error \
    "tessera: the CUDA backend needs nvcc; to try its kernels without a GPU, slowly, define \
TESSERA_CUDA_ON_CPU"
#endif

namespace tessera::cuda {

/// Threads of a block where nothing speaks for another number.
inline constexpr unsigned default_threads = 256;
inline constexpr unsigned lanes = 32;

/// Blocks that give each of `items` a thread.
constexpr unsigned blocks_for(Index items, unsigned threads = default_threads) {
    return static_cast<unsigned>((items + threads - 1) / threads);
}

/// The running thread's number in its grid of one dimension.
__device__ inline Index global_thread() { return Index{blockIdx.x} * blockDim.x + threadIdx.x; }

}  // namespace tessera::cuda
