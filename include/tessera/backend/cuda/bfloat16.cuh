// SPDX-License-Identifier: MIT
// Numbers in kernels: to the type of the sums, and back to the type in memory.
#pragma once

#include <cstdint>
#include <type_traits>

#include "tessera/backend/cuda/pack.cuh"
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

/// As they are stored, rounded.
template <class Out, class T, int Width>
__device__ Pack<Out, Width> narrowed(const Pack<T, Width>& values) {
    Pack<Out, Width> stored;
    if constexpr (std::is_same_v<Out, T>) {
        stored = values;
    } else if constexpr (Width == 1) {
        stored[0].bits = static_cast<std::uint16_t>(packed_bf16(values[0], 0));
    } else {
        for (int i = 0; i < Width; i += 2) {
            const std::uint32_t word = packed_bf16(values[i], values[i + 1]);
            stored[i].bits = static_cast<std::uint16_t>(word);
            stored[i + 1].bits = static_cast<std::uint16_t>(word >> 16);
        }
    }
    return stored;
}

}  // namespace tessera::cuda
