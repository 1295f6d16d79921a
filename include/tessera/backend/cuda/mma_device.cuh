// SPDX-License-Identifier: MIT
// mma.cuh by the instructions of the GPU.
#pragma once

#include <cstdint>
#include <type_traits>

#include "tessera/backend/cuda/mma.cuh"

namespace tessera::cuda {

namespace detail {
__device__ inline unsigned shared_address(const void* pointer) {
    return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}
}  // namespace detail

template <class T>
__device__ __forceinline__ void multiply_add(float (&sums)[4], const Fragment& a, std::uint32_t b0,
                                             std::uint32_t b1) {
    if constexpr (std::is_same_v<T, Bf16>) {
        asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
            "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
            : "r"(a.words[0]), "r"(a.words[1]), "r"(a.words[2]), "r"(a.words[3]), "r"(b0), "r"(b1));
    } else {
        static_assert(std::is_same_v<T, float>);
        asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
            "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
            : "r"(a.words[0]), "r"(a.words[1]), "r"(a.words[2]), "r"(a.words[3]), "r"(b0), "r"(b1));
    }
}

__device__ __forceinline__ Fragment load_matrices(const void* row) {
    Fragment fragment;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(fragment.words[0]), "=r"(fragment.words[1]), "=r"(fragment.words[2]),
                   "=r"(fragment.words[3])
                 : "r"(detail::shared_address(row))
                 : "memory");
    return fragment;
}

__device__ __forceinline__ Fragment load_matrices_transposed(const void* row) {
    Fragment fragment;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(fragment.words[0]), "=r"(fragment.words[1]), "=r"(fragment.words[2]),
                   "=r"(fragment.words[3])
                 : "r"(detail::shared_address(row))
                 : "memory");
    return fragment;
}

template <int Bytes>
__device__ __forceinline__ void begin_copy(void* to, const void* from, bool wanted) {
    static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16);
    // 16 bytes can pass by the L1 cache, whose place is the shared memory's.
    if constexpr (Bytes == 16) {
        asm volatile(
            "cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(detail::shared_address(to)),
            "l"(__cvta_generic_to_global(from)), "r"(wanted ? Bytes : 0)
            : "memory");
    } else {
        asm volatile(
            "cp.async.ca.shared.global [%0], [%1], %3, %2;" ::"r"(detail::shared_address(to)),
            "l"(__cvta_generic_to_global(from)), "r"(wanted ? Bytes : 0), "n"(Bytes)
            : "memory");
    }
}
__device__ __forceinline__ void end_copies() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

template <int Left>
__device__ __forceinline__ void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(Left) : "memory");
}

__device__ __forceinline__ std::uint32_t rounded_to_tf32(std::uint32_t word) {
    std::uint32_t rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(word)));
    return rounded;
}

}  // namespace tessera::cuda
