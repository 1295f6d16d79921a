// SPDX-License-Identifier: MIT
// Numbers in kernels: to the type of the sums, and back to the type in memory.
#pragma once

#include <cstdint>

#include "tessera/backend/cuda/runtime.cuh"
#include "tessera/core/bfloat16.hpp"

namespace tessera::cuda {

#ifdef __CUDACC__
/// Two numbers rounded to bfloat16, `low` in the lower half.
__device__ inline std::uint32_t packed_bf16(float low, float high) {
    std::uint32_t packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
}
__device__ inline float widened(Bf16 value) {
    return __uint_as_float(std::uint32_t{value.bits} << 16);
}
#else
inline std::uint32_t packed_bf16(float low, float high) {
    return std::uint32_t{Bf16(high).bits} << 16 | Bf16(low).bits;
}
inline float widened(Bf16 value) { return value; }
#endif
__device__ inline float widened(float value) { return value; }
__device__ inline double widened(double value) { return value; }

/// narrowed<T>(value): as it is stored.
template <class T, class Sum>
__device__ T narrowed(Sum value) {
    if constexpr (sizeof(T) == sizeof(Bf16)) {
        T stored;
        stored.bits = static_cast<std::uint16_t>(packed_bf16(value, 0));
        return stored;
    } else {
        return static_cast<T>(value);
    }
}

}  // namespace tessera::cuda
