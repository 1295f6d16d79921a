// SPDX-License-Identifier: MIT
// CpuEigen: Cpu with Eigen's product, to compare with. The only file that includes Eigen; neither
// tessera.hpp nor the single header leads here, so that nobody else compiles or installs it.
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

#include "tessera/backend/concept.hpp"
#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/cpu/product.hpp"

namespace tessera {

namespace cpu {

/// A kernel of gemm.hpp. The program's compiler flags choose Eigen's instructions.
struct EigenProduct {
    static constexpr Index most_few_rows = 4;  ///< of a batch, which FewRows takes
    static constexpr bool takes_panels = false;
    static constexpr Index row_unit = 16;
    static constexpr Index column_unit = 96;  // a multiple of the rows of Eigen's own tiles

    /// Packing memory of one thread, at most, for products of up to this size.
    template <class T>
    static constexpr std::size_t packing_bytes(Index rows, Index columns, Index depth) {
        const Index block_depth = std::min(depth, most_depth);
        return carved_bytes<T>(block_depth * std::min(columns, most_columns)) +
               carved_bytes<T>(block_depth * std::min(rows, most_rows));
    }

    /// c += a b on one thread.
    template <class T>
    static void add(const Product<T>& p, std::byte* memory) {
        constexpr int straight = Eigen::ColMajor, across = Eigen::RowMajor;
        if (p.b.transposed) {
            p.a.transposed ? add_ordered<across, across>(p, memory)
                           : add_ordered<across, straight>(p, memory);
        } else {
            p.a.transposed ? add_ordered<straight, across>(p, memory)
                           : add_ordered<straight, straight>(p, memory);
        }
    }

private:
    /// The part of a product that is packed at once.
    static constexpr Index most_depth = 384, most_rows = 512, most_columns = 384;

    /// What Eigen asks for block sizes and packing buffers. Its product is column by column, so
    /// that c^T = b^T a^T: its left factor is our b.
    template <class T>
    struct Blocking : Eigen::internal::level3_blocking<T, T> {
        Blocking(const Product<T>& p, std::byte* memory) {
            this->m_kc = std::min(p.depth, most_depth);
            this->m_mc = std::min(p.columns, most_columns);
            this->m_nc = std::min(p.rows, most_rows);
            this->m_blockA = reinterpret_cast<T*>(memory);
            this->m_blockB =
                reinterpret_cast<T*>(memory + carved_bytes<T>(this->m_kc * this->m_mc));
        }
    };

    template <int OrderB, int OrderA, class T>
    static void add_ordered(const Product<T>& p, std::byte* memory) {
        Blocking<T> blocking(p, memory);
        using Eigen::internal::general_matrix_matrix_product;
        general_matrix_matrix_product<Index, T, OrderB, false, T, OrderA, false, Eigen::ColMajor,
                                      1>::run(p.columns, p.rows, p.depth, p.b.data, p.b.stride,
                                              p.a.data, p.a.stride, p.c, 1, p.stride, T{1},
                                              blocking);
    }
};

}  // namespace cpu

/// Cpu but for the products. Link Eigen3::Eigen (3.4).
struct CpuEigen : Cpu {
    using Conv = cpu::ProductConv<cpu::EigenProduct>;
    using Linear = cpu::Linear<cpu::EigenProduct>;
};

static_assert(Backend<CpuEigen, float> && Backend<CpuEigen, double>);

}  // namespace tessera
