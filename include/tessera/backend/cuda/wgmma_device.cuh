// SPDX-License-Identifier: MIT
// wgmma.cuh by the instructions of the GPU. Where a program is compiled for other GPUs too, there
// is nothing of it in their code.
#pragma once

#include <cstdint>

#include "tessera/backend/cuda/mma_device.cuh"
#include "tessera/backend/cuda/wgmma.cuh"

namespace tessera::cuda {

namespace detail {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
inline constexpr bool compiles_wgmma = true;
#define TESSERA_WGMMA_PROBE 128
#else
inline constexpr bool compiles_wgmma = false;
#define TESSERA_WGMMA_PROBE 32
#endif
/// Does nothing: the most threads it takes say for what the code that the GPU takes was compiled.
template <class = void>
__global__ void __launch_bounds__(TESSERA_WGMMA_PROBE) probe_wgmma() {}
#undef TESSERA_WGMMA_PROBE
}  // namespace detail

/// Throws Error where the program has no code for the GPU at all.
inline bool has_wgmma() {
    cudaFuncAttributes found{};
    detail::check(::cudaFuncGetAttributes(&found, detail::probe_wgmma<>), "cudaFuncGetAttributes");
    return found.maxThreadsPerBlock >= 128;
}

__device__ __forceinline__ unsigned shared_address(const void* place) {
    return detail::shared_address(place);
}

// The places of sums in the text of an instruction, and the registers that go there.
#define TESSERA_PLACES_32                                                                   \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, " \
    "%19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define TESSERA_PLACES_64                                                                     \
    TESSERA_PLACES_32                                                                         \
    ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, " \
    "%49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define TESSERA_PLACES_96                                                                     \
    TESSERA_PLACES_64                                                                         \
    ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, " \
    "%81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"
#define TESSERA_SUMS_8(i)                                                                      \
    "+f"(sums[i]), "+f"(sums[i + 1]), "+f"(sums[i + 2]), "+f"(sums[i + 3]), "+f"(sums[i + 4]), \
        "+f"(sums[i + 5]), "+f"(sums[i + 6]), "+f"(sums[i + 7])
#define TESSERA_SUMS_32(i) \
    TESSERA_SUMS_8(i), TESSERA_SUMS_8(i + 8), TESSERA_SUMS_8(i + 16), TESSERA_SUMS_8(i + 24)

// `a` and `b` are the numbers of the operands behind the sums. Operands are not negated; those that
// lie line after line are called transposed.
#define TESSERA_WGMMA(columns, places, a, b, transposed_a, transposed_b, ...)                   \
    asm volatile(                                                                               \
        "{\n.reg .pred adds;\nsetp.ne.b32 adds, 1, 0;\n"                                        \
        "wgmma.mma_async.sync.aligned.m64n" columns "k16.f32.bf16.bf16 {" places "}, " a ", " b \
        ", adds, 1, 1, " transposed_a ", " transposed_b ";\n}"                                  \
        : __VA_ARGS__                                                                           \
        : "l"(descriptor_a), "l"(descriptor_b), "n"(AlongKA ? 0 : 1), "n"(AlongKB ? 0 : 1))

template <bool AlongKA, bool AlongKB, int Count>
__device__ __forceinline__ void multiply_matrices([[maybe_unused]] float (&sums)[Count],
                                                  [[maybe_unused]] std::uint64_t descriptor_a,
                                                  [[maybe_unused]] std::uint64_t descriptor_b) {
    static_assert(Count == 32 || Count == 64 || Count == 96);
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
    if constexpr (Count == 32) {
        TESSERA_WGMMA("64", TESSERA_PLACES_32, "%32", "%33", "%34", "%35", TESSERA_SUMS_32(0));
    } else if constexpr (Count == 64) {
        TESSERA_WGMMA("128", TESSERA_PLACES_64, "%64", "%65", "%66", "%67", TESSERA_SUMS_32(0),
                      TESSERA_SUMS_32(32));
    } else {
        TESSERA_WGMMA("192", TESSERA_PLACES_96, "%96", "%97", "%98", "%99", TESSERA_SUMS_32(0),
                      TESSERA_SUMS_32(32), TESSERA_SUMS_32(64));
    }
#endif
}

#undef TESSERA_WGMMA
#undef TESSERA_SUMS_32
#undef TESSERA_SUMS_8
#undef TESSERA_PLACES_96
#undef TESSERA_PLACES_64
#undef TESSERA_PLACES_32

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define TESSERA_SM90A(...) asm volatile(__VA_ARGS__)
#else
#define TESSERA_SM90A(...)
#endif
__device__ __forceinline__ void fence_copies() {
    TESSERA_SM90A("fence.proxy.async.shared::cta;" ::: "memory");
}
__device__ __forceinline__ void fence_sums() {
    TESSERA_SM90A("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void end_products() {
    TESSERA_SM90A("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int Left>
__device__ __forceinline__ void wait_for_products() {
    TESSERA_SM90A("wgmma.wait_group.sync.aligned %0;" ::"n"(Left) : "memory");
}
#undef TESSERA_SM90A

/// For the compiler, which does not know that the registers have changed since the product.
template <int Count>
__device__ __forceinline__ void take_sums(float (&sums)[Count]) {
    for (float& sum : sums) asm volatile("" : "+f"(sum)::"memory");
}

}  // namespace tessera::cuda
