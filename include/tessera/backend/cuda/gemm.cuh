// SPDX-License-Identifier: MIT
// Matrix products of the vendor's library, cuBLASLt, whose best kernels for plain operands nobody
// beats; without a GPU, and where the library is not wanted, the product of product.cuh answers.
#pragma once

#include "tessera/backend/cuda/product.cuh"
#include "tessera/backend/cuda/wide.cuh"

#ifdef __CUDACC__
#include <cublasLt.h>

#include <array>
#include <map>
#endif

namespace tessera::cuda {

/// c (rows, columns) = a b, or c += a b, all in rows; a is (rows, depth), or (depth, rows) where it
/// lies transposed, and b (depth, columns) or (columns, depth).
struct Gemm {
    const char* name;  ///< for messages
    Index rows = 0, columns = 0, depth = 0;
    bool a_transposed = false, b_transposed = false;
    bool accumulate = false;
    bool rectify = false;  ///< nought for less; not with `accumulate`
};

/// The product on CUDA cores, in the order of product.cuh.
struct OwnProduct {
    template <class T>
    static std::size_t scratch_bytes(const Gemm& g) {
        return product_scratch<Wide<T>>(extents(g));
    }
    /// `bias`, of `columns` numbers, is added to each row unless it is null. From operands in
    /// bfloat16 come sums in float, stored in bfloat16 or float; the bias is stored as c is, which
    /// is what the library's kernels take.
    template <class T, class Out>
    static void multiply(const Gemm& g, const T* a, const T* b,
                         const std::type_identity_t<Out>* bias, Out* c, const Scratch& scratch) {
        const SumStore<Wide<T>, Out> store{.to = c,
                                           .row_stride = g.columns,
                                           .bias = bias,
                                           .accumulate = g.accumulate,
                                           .rectify = g.rectify};
        const auto with_b = [&](const auto& left) {
            if (g.b_transposed) {
                cuda::multiply(g.name, extents(g), left, PlainMatrix<T, true>{b, g.depth, 1}, store,
                               scratch);
            } else {
                cuda::multiply(g.name, extents(g), left, PlainMatrix<T, false>{b, 1, g.columns},
                               store, scratch);
            }
        };
        if (g.a_transposed) {
            with_b(PlainMatrix<T, false>{a, 1, g.rows});
        } else {
            with_b(PlainMatrix<T, true>{a, g.depth, 1});
        }
    }

private:
    static ProductExtents extents(const Gemm& g) {
        return {.rows = checked_extent(g.rows, "rows of a product"),
                .columns = checked_extent(g.columns, "columns of a product"),
                .depth = checked_extent(g.depth, "numbers in a sum")};
    }
};

#ifdef __CUDACC__

namespace detail {

/// Throws Error for a status other than success. `call` says what was being done.
inline void check(cublasStatus_t status, const char* call) {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    fail("cuBLAS: ", call, ": ", ::cublasLtGetStatusString(status));
}

/// The library's handle, one for each thread and device; holds no stream and no memory.
inline cublasLtHandle_t cublas() {
    thread_local std::map<int, cublasLtHandle_t> handles;
    int device = 0;
    check(::cudaGetDevice(&device), "cudaGetDevice");
    cublasLtHandle_t& handle = handles[device];
    if (!handle) check(::cublasLtCreate(&handle), "cublasLtCreate");
    return handle;
}

template <class T>
inline constexpr cudaDataType_t data_type = sizeof(T) == 8   ? CUDA_R_64F
                                            : sizeof(T) == 4 ? CUDA_R_32F
                                                             : CUDA_R_16BF;

}  // namespace detail

/// cuBLASLt's product. In float every multiplication is in float, unless `Tf32`; products of
/// bfloat16 are exact in float.
template <bool Tf32 = false>
struct LibraryProduct {
    /// What the library's documentation recommends for Hopper.
    static constexpr std::size_t workspace_bytes = std::size_t{32} << 20;

    template <class T>
    static std::size_t scratch_bytes(const Gemm&) {
        return workspace_bytes;
    }

    /// As OwnProduct's. Throws Error when the library has no kernel for the product.
    template <class T, class Out>
    static void multiply(const Gemm& g, const T* a, const T* b,
                         const std::type_identity_t<Out>* bias, Out* c, const Scratch& scratch) {
        if (g.rows == 0 || g.columns == 0) return;
        // All that tells one product of a program from another, for a Graph that listens.
        const Index flags = g.a_transposed + 2 * g.b_transposed + 4 * g.accumulate + 8 * g.rectify +
                            16 * Tf32 + 32 * sizeof(T) + 512 * sizeof(Out);
        const std::array numbers{g.rows,
                                 g.columns,
                                 g.depth,
                                 flags,
                                 detail::number(a),
                                 detail::number(b),
                                 detail::number(bias),
                                 detail::number(c),
                                 detail::number(scratch.data),
                                 static_cast<Index>(scratch.bytes)};
        detail::ask({detail::Request::Kind::product, numbers},
                    [&] { carry_out(g, a, b, bias, c, scratch); });
    }

private:
    template <class T, class Out>
    static void carry_out(const Gemm& g, const T* a, const T* b, const Out* bias, Out* c,
                          const Scratch& scratch) {
        constexpr cudaDataType_t scalars = detail::data_type<Wide<T>>;
        constexpr cublasComputeType_t compute = sizeof(T) == 8 ? CUBLAS_COMPUTE_64F
                                                : Tf32         ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                               : CUBLAS_COMPUTE_32F;
        // The library thinks in columns: it is asked for c^T (columns, rows) = b^T a^T.
        cublasLtMatmulDescOpaque_t product;
        detail::check(::cublasLtMatmulDescInit(&product, compute, scalars),
                      "cublasLtMatmulDescInit");
        const auto set = [&](cublasLtMatmulDescAttributes_t name, const auto& value) {
            detail::check(::cublasLtMatmulDescSetAttribute(&product, name, &value, sizeof value),
                          "cublasLtMatmulDescSetAttribute");
        };
        set(CUBLASLT_MATMUL_DESC_TRANSA, g.b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
        set(CUBLASLT_MATMUL_DESC_TRANSB, g.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
        if (bias) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
        set(CUBLASLT_MATMUL_DESC_EPILOGUE, bias && g.rectify ? CUBLASLT_EPILOGUE_RELU_BIAS
                                           : bias            ? CUBLASLT_EPILOGUE_BIAS
                                           : g.rectify       ? CUBLASLT_EPILOGUE_RELU
                                                             : CUBLASLT_EPILOGUE_DEFAULT);
        const auto layout = [](cudaDataType_t type, Index height, Index width) {
            cublasLtMatrixLayoutOpaque_t made;
            detail::check(
                ::cublasLtMatrixLayoutInit(&made, type, static_cast<std::uint64_t>(height),
                                           static_cast<std::uint64_t>(width), height),
                "cublasLtMatrixLayoutInit");
            return made;
        };
        constexpr cudaDataType_t type = detail::data_type<T>;
        auto left =
            g.b_transposed ? layout(type, g.depth, g.columns) : layout(type, g.columns, g.depth);
        auto right = g.a_transposed ? layout(type, g.rows, g.depth) : layout(type, g.depth, g.rows);
        auto result = layout(detail::data_type<Out>, g.columns, g.rows);
        const std::size_t room = std::min(scratch.bytes, workspace_bytes);
        // Arrays of the library begin at whole 64 bytes, a user's perhaps at its elements only.
        const bool whole = detail::can_pack<T>(pack_width<T>, a, b, bias, c);
        const cublasLtMatmulAlgo_t way = best_way<T, Out>(
            g, bias != nullptr, whole ? 16 : sizeof(T), room, product, left, right, result);
        const Wide<T> one = 1, kept = g.accumulate ? 1 : 0;
        detail::check(
            ::cublasLtMatmul(detail::cublas(), &product, &one, b, &left, a, &right, &kept, c,
                             &result, c, &result, &way, scratch.data, room, detail::stream()),
            g.name);
    }

    /// The library's first suggestion, kept: asking takes longer than a small product.
    template <class T, class Out>
    static cublasLtMatmulAlgo_t best_way(const Gemm& g, bool bias, std::uint32_t boundary,
                                         std::size_t room, cublasLtMatmulDescOpaque_t& product,
                                         cublasLtMatrixLayoutOpaque_t& left,
                                         cublasLtMatrixLayoutOpaque_t& right,
                                         cublasLtMatrixLayoutOpaque_t& result) {
        using Key = std::array<Index, 7>;
        thread_local std::map<Key, cublasLtMatmulAlgo_t> known;
        int device = 0;
        detail::check(::cudaGetDevice(&device), "cudaGetDevice");
        const Index flags =
            g.a_transposed + 2 * g.b_transposed + 4 * g.accumulate + 8 * bias + 16 * g.rectify;
        const Key key{
            device, g.rows, g.columns, g.depth, flags, boundary, static_cast<Index>(room)};
        if (const auto found = known.find(key); found != known.end()) return found->second;
        cublasLtMatmulPreferenceOpaque_t preference;
        detail::check(::cublasLtMatmulPreferenceInit(&preference), "cublasLtMatmulPreferenceInit");
        const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t name, const auto& value) {
            detail::check(
                ::cublasLtMatmulPreferenceSetAttribute(&preference, name, &value, sizeof value),
                "cublasLtMatmulPreferenceSetAttribute");
        };
        prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::uint64_t>(room));
        // Sums of slices in a fixed order only, the same bits every time, and never in bfloat16.
        std::uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
        if (sizeof(Out) > 2) schemes |= CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
        prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, schemes);
        for (const auto name : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                                CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                                CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                                CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
            prefer(name, boundary);
        }
        cublasLtMatmulHeuristicResult_t best{};
        int count = 0;
        detail::check(
            ::cublasLtMatmulAlgoGetHeuristic(detail::cublas(), &product, &left, &right, &result,
                                             &result, &preference, 1, &best, &count),
            g.name);
        require(count > 0, "cuBLAS: ", g.name, ": found no kernel for ", g.rows, " x ", g.depth,
                " times ", g.depth, " x ", g.columns);
        return known[key] = best.algo;
    }
};

#else

/// Without the library: OwnProduct, which knows no TF32.
template <bool Tf32 = false>
struct LibraryProduct : OwnProduct {};

#endif

}  // namespace tessera::cuda
