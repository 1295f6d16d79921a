// SPDX-License-Identifier: MIT
// TiledProduct: blocks of the depth, blocks of columns, panels, strips of rows. A panel stays
// in the first-level cache (256 x 32 floats are 32 KB) while the rows of a pass by.
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/panel.hpp"
#include "tessera/backend/cpu/product.hpp"
#include "tessera/backend/cpu/strips.hpp"

namespace tessera::cpu {

/// A kernel of gemm.hpp.
struct TiledProduct {
    static constexpr bool takes_panels = true;  ///< Product::panels, for which it packs nothing
    static constexpr Index row_unit = 14;       ///< rows that threads take at least: a tile
    static constexpr Index column_unit = most_panel_columns<float>;  ///< whole panels

    /// Packing memory of one thread, at most, for products of up to this size.
    template <class T>
    static constexpr std::size_t packing_bytes(Index, Index columns, Index depth) {
        return carved_bytes<T>(std::min(depth, panel_depth) *
                               panels_size<T>(1, std::min(columns, block_columns)));
    }

    /// c += a b on one thread.
    template <class T>
    static void add(const Product<T>& p, std::byte* bytes) {
        T* memory = reinterpret_cast<T*>(bytes);
        const Index width = panel_columns<T>();
        for (Index k = 0; k < p.depth; k += panel_depth) {
            const Index depth = std::min(panel_depth, p.depth - k);
            if (p.panels) {
                add_block(p, k, depth, {0, p.columns}, p.panels + k * width, p.depth * width);
                continue;
            }
            for (Index j = 0; j < p.columns; j += block_columns) {
                const Range columns{j, std::min(j + block_columns, p.columns)};
                pack_panels(p.b, k, depth, j, columns.length(), memory, depth * width);
                add_block(p, k, depth, columns, memory, depth * width);
            }
        }
    }

private:
    static constexpr Index panel_depth = 256;
    /// Columns that are packed at once: rows of b are read 1 KB at a time, and 256 KB of panels
    /// stay in the second-level cache.
    static constexpr Index block_columns = 256;
    static constexpr Index shallow = 32;
    /// Rows of a that pass by the panels of a block.
    static constexpr Index block_rows = 14 * 48;

    /// Columns `columns` of c, a block of the depth from k on.
    template <class T>
    static void add_block(const Product<T>& p, Index k, Index depth, Range columns, const T* panels,
                          Index distance) {
        const Index width = panel_columns<T>();
        // So shallow that c is most of the memory touched, and the first-level cache holds all
        // panels: c is taken row by row.
        for (Index i = 0, rows = 0; i < p.rows; i += rows) {
            rows = depth <= shallow ? strip_rows<T>(p.rows - i) : std::min(block_rows, p.rows - i);
            for (Index j = columns.begin; j < columns.end; j += width) {
                compute_rows<T>(rows, std::min(width, columns.end - j),
                                {.depth = depth,
                                 .a = p.a.from(i, k).data,
                                 .a_stride = p.a.transposed ? 1 : p.a.stride,
                                 .a_step = p.a.transposed ? p.a.stride : 1,
                                 .panel = panels + (j - columns.begin) / width * distance,
                                 .c = p.c + i * p.stride + j,
                                 .c_stride = p.stride,
                                 .accumulate = true});
            }
        }
    }
};

}  // namespace tessera::cpu
