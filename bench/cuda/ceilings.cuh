// SPDX-License-Identifier: MIT
// The most that this device does, measured: copies within its memory, and products of square
// matrices of random numbers by cuBLASLt, the best of what it proposes.
#pragma once

#include <cublasLt.h>
#include <cuda_bf16.h>

#include "measure.cuh"

namespace bench {

namespace detail {

inline void check_product(cublasStatus_t status, const char* call) {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    tessera::fail("cuBLASLt: ", call, ": ", ::cublasLtGetStatusName(status));
}

/// C = A B for square matrices of `T`, with sums of float.
template <class T>
class SquareProduct {
public:
    SquareProduct(int size, cudaDataType type, cublasComputeType_t compute)
        : a_(1, Index{size} * size), b_(1, Index{size} * size), c_(1, Index{size} * size) {
        check_product(::cublasLtCreate(&library_), "cublasLtCreate");
        check_product(::cublasLtMatmulDescCreate(&product_, compute, CUDA_R_32F),
                      "cublasLtMatmulDescCreate");
        check_product(::cublasLtMatrixLayoutCreate(&layout_, type, size, size, size),
                      "cublasLtMatrixLayoutCreate");
        cublasLtMatmulPreference_t preference = nullptr;
        check_product(::cublasLtMatmulPreferenceCreate(&preference),
                      "cublasLtMatmulPreferenceCreate");
        const std::size_t bytes = static_cast<std::size_t>(workspace_.size());
        check_product(
            ::cublasLtMatmulPreferenceSetAttribute(
                preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes),
            "cublasLtMatmulPreferenceSetAttribute");
        proposals_.resize(5);
        int found = 0;
        check_product(::cublasLtMatmulAlgoGetHeuristic(
                          library_, product_, layout_, layout_, layout_, layout_, preference,
                          static_cast<int>(proposals_.size()), proposals_.data(), &found),
                      "cublasLtMatmulAlgoGetHeuristic");
        ::cublasLtMatmulPreferenceDestroy(preference);
        proposals_.resize(static_cast<std::size_t>(found));
    }
    SquareProduct(const SquareProduct&) = delete;
    SquareProduct& operator=(const SquareProduct&) = delete;
    ~SquareProduct() {
        ::cublasLtMatrixLayoutDestroy(layout_);
        ::cublasLtMatmulDescDestroy(product_);
        ::cublasLtDestroy(library_);
    }

    Timing best(bool quick) {
        Timing best{.ms = INFINITY};
        for (const auto& proposal : proposals_) {
            const Timing timing = measure([&](int) { multiply(proposal.algo); }, 1, quick);
            if (timing.ms < best.ms) best = timing;
        }
        return best;
    }

private:
    void multiply(const cublasLtMatmulAlgo_t& algorithm) {
        const float one = 1, nought = 0;
        check_product(
            ::cublasLtMatmul(library_, product_, &one, a_[0], layout_, b_[0], layout_, &nought,
                             c_[0], layout_, c_[0], layout_, &algorithm, workspace_.data(),
                             static_cast<std::size_t>(workspace_.size()), cudaStreamPerThread),
            "cublasLtMatmul");
    }

    Arrays<T> a_, b_, c_;
    Buffer<std::byte, DeviceMemory> workspace_{64 << 20};
    cublasLtHandle_t library_ = nullptr;
    cublasLtMatmulDesc_t product_ = nullptr;
    cublasLtMatrixLayout_t layout_ = nullptr;
    std::vector<cublasLtMatmulHeuristicResult_t> proposals_;
};

/// Operations a second, printed on its way.
template <class T>
double measure_product(const char* name, cudaDataType type, cublasComputeType_t compute,
                       bool quick) {
    constexpr int size = 8192;
    const Timing timing = SquareProduct<T>(size, type, compute).best(quick);
    const double rate = 2.0 * size * size * size / (timing.ms * 1e-3);
    Line()
        .add("what", "ceiling")
        .add("name", name)
        .add("geometry", "product of 8192 x 8192 by 8192 x 8192, cuBLASLt")
        .add("ms", timing.ms)
        .add("ms_low", timing.low)
        .add("ms_high", timing.high)
        .add("tflop_per_s", rate * 1e-12)
        .add("clocks", clocks_now())
        .print();
    return rate;
}

/// Bytes a second, read and written ones together.
inline double measure_copy(bool quick) {
    const Index count = Index{1} << 30;  // 4.3 GB
    Arrays<> from(1, count), to(1, count);
    const double bytes = 8.0 * static_cast<double>(count);
    const Timing timing = measure(
        [&](int) { DeviceMemory::copy(to[0], from[0], static_cast<std::size_t>(count) * 4); }, 1,
        quick);
    const double rate = bytes / (timing.ms * 1e-3);
    Line()
        .add("what", "ceiling")
        .add("name", "copy")
        .add("geometry", "4.3 GB within the device, read and written bytes counted")
        .add("ms", timing.ms)
        .add("ms_low", timing.low)
        .add("ms_high", timing.high)
        .add("gb_per_s", rate * 1e-9)
        .add("clocks", clocks_now())
        .print();
    return rate;
}

}  // namespace detail

/// Measures and prints all of them.
inline Ceilings measure_ceilings(bool quick) {
    Ceilings found;
    found.copy = detail::measure_copy(quick);
    found.bfloat16 = detail::measure_product<__nv_bfloat16>("product_bfloat16", CUDA_R_16BF,
                                                            CUBLAS_COMPUTE_32F, quick);
    found.tf32 = detail::measure_product<float>("product_tf32", CUDA_R_32F,
                                                CUBLAS_COMPUTE_32F_FAST_TF32, quick);
    found.float32 =
        detail::measure_product<float>("product_float32", CUDA_R_32F, CUBLAS_COMPUTE_32F, quick);
    return found;
}

}  // namespace bench
