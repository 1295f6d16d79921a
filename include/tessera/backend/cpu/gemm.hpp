// SPDX-License-Identifier: MIT
// Matrix products, row by row in memory, without allocation: by tiles where the processor has the
// instructions for them (float only), by Eigen elsewhere. The only file that includes Eigen.
//
// Eigen's blocked product is called below its expression layer, because that one allocates its
// packing buffers for every product; here they lie in the caller's working memory.
#pragma once

// g++ 12 takes the undefined registers of its own AVX-512 intrinsics for a mistake (its bug
// 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <Eigen/Core>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <algorithm>

#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/few_rows.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/product.hpp"
#include "tessera/backend/cpu/tiled_product.hpp"

namespace tessera::cpu {

namespace detail {

/// The part of a product that Eigen packs at once.
inline constexpr Index eigen_depth = 384;
inline constexpr Index eigen_rows = 512;
inline constexpr Index eigen_columns = 384;

/// What Eigen asks for block sizes and packing buffers. Its product is column by column, so that
/// c^T = b^T a^T: its left factor is our b.
template <class T>
struct Blocking : Eigen::internal::level3_blocking<T, T> {
    Blocking(const Product<T>& p, std::byte* memory) {
        this->m_kc = std::min(p.depth, eigen_depth);
        this->m_mc = std::min(p.columns, eigen_columns);
        this->m_nc = std::min(p.rows, eigen_rows);
        this->m_blockA = reinterpret_cast<T*>(memory);
        this->m_blockB = reinterpret_cast<T*>(memory + carved_bytes<T>(this->m_kc * this->m_mc));
    }
};

template <int OrderB, int OrderA, class T>
void accumulate_blocked(const Product<T>& p, std::byte* memory) {
    Blocking<T> blocking(p, memory);
    Eigen::internal::general_matrix_matrix_product<Index, T, OrderB, false, T, OrderA, false,
                                                   Eigen::ColMajor, 1>::run(p.columns, p.rows,
                                                                            p.depth, p.b.data,
                                                                            p.b.stride, p.a.data,
                                                                            p.a.stride, p.c, 1,
                                                                            p.stride, T{1},
                                                                            blocking);
}

template <class T>
void multiply_part(const Product<T>& p, std::byte* memory) {
    if (!p.accumulate) {
        for (Index i = 0; i < p.rows; ++i) {
            T* row = p.c + i * p.stride;
            if (p.bias) {
                std::copy_n(p.bias, p.columns, row);
            } else {
                std::fill_n(row, p.columns, T{0});
            }
        }
    }
    if (p.rows <= few_rows && !p.a.transposed) {
        return p.b.transposed ? add_few_rows_transposed(p) : add_few_rows(p);
    }
    if constexpr (std::is_same_v<T, float>) {
        if (add_by_tiles(p, reinterpret_cast<float*>(memory))) return;
    }
    constexpr int straight = Eigen::ColMajor, across = Eigen::RowMajor;
    if (p.b.transposed) {
        p.a.transposed ? accumulate_blocked<across, across>(p, memory)
                       : accumulate_blocked<across, straight>(p, memory);
    } else {
        p.a.transposed ? accumulate_blocked<straight, across>(p, memory)
                       : accumulate_blocked<straight, straight>(p, memory);
    }
}

}  // namespace detail

/// Packing memory of one thread, at most, for products of up to this size.
template <class T>
constexpr std::size_t packing_bytes(Index rows, Index columns, Index depth) {
    const Index block_depth = std::min(depth, detail::eigen_depth);
    const std::size_t blocks =
        carved_bytes<T>(block_depth * std::min(columns, detail::eigen_columns)) +
        carved_bytes<T>(block_depth * std::min(rows, detail::eigen_rows));
    const Index panels =
        std::min(depth, panel_depth) * panels_size(1, std::min(columns, block_columns));
    return std::max(blocks, carved_bytes<T>(panels));
}

/// Each element of c is computed by one thread. `memory`: packing_bytes for each thread, aligned.
template <class T>
void multiply(const Product<T>& p, int threads, std::byte* memory) {
    const std::size_t share = packing_bytes<T>(p.rows, p.columns, p.depth);
    // Threads share the longer side, so that the shorter factor is the one packed more than once.
    const bool by_rows = p.rows >= p.columns;
    const Index length = by_rows ? p.rows : p.columns;
    const Index unit =
        by_rows ? 14 : 96;  // rows of a tile, columns of panels and of Eigen's kernel
    parallel_for((length + unit - 1) / unit,
                 threads_for(p.rows * p.columns * p.depth / 16, threads),
                 [&](Index begin, Index end, int thread) {
                     const Index first = begin * unit;
                     const Index count = std::min(end * unit, length) - first;
                     Product<T> tile = p;
                     if (by_rows) {
                         tile.rows = count;
                         tile.a = p.a.from(first, 0);
                         tile.c += first * p.stride;
                     } else {
                         tile.columns = count;
                         tile.b = p.b.from(0, first);
                         if (p.panels) tile.panels += first * p.depth;
                         tile.c += first;
                         if (p.bias) tile.bias += first;
                     }
                     detail::multiply_part(tile, memory + static_cast<std::size_t>(thread) * share);
                 });
}

/// sums[j] += sum over the rows of a[i, j]
template <class T>
void add_column_sums(Index rows, Index columns, const T* a, Index stride, T* sums) {
    constexpr Index width = 64;
    constexpr Index stretch = 256;  // rows added up in T before they join the sum in double
    in_pieces<width>(columns, [&](Index j, auto length) {
        double total[width] = {};
        for (Index first = 0; first < rows; first += stretch) {
            T part[width] = {};
            for (Index i = first; i < std::min(rows, first + stretch); ++i) {
                for (Index k = 0; k < length; ++k) part[k] += a[i * stride + j + k];
            }
            for (Index k = 0; k < length; ++k) total[k] += part[k];
        }
        for (Index k = 0; k < length; ++k) sums[j + k] = static_cast<T>(sums[j + k] + total[k]);
    });
}

}  // namespace tessera::cpu
