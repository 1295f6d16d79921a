// SPDX-License-Identifier: MIT
// TiledProduct: blocks of the depth, blocks of columns, panels, strips of rows. A panel stays
// in the first-level cache (256 x 32 floats are 32 KB) while the rows of a pass by.
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/panel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/tile.hpp"

namespace tessera::cpu {

namespace detail {

inline constexpr Index panel_depth = 256;
/// Columns that are packed at once: rows of b are read 1 KB at a time, and 256 KB of panels stay in
/// the second-level cache.
inline constexpr Index block_columns = 256;
inline constexpr Index shallow = 32;
/// Rows of a that pass by the panels of a block.
inline constexpr Index block_rows = 14 * 48;

/// Strips of `Rows` rows while there are as many; returns the rows that are left.
template <class Tile, int Rows, bool Transposed, class T>
Index add_strips(Index rows, TileTask<T>& task) {
    for (; rows >= Rows; rows -= Rows) {
        Tile::template add<Rows, Transposed>(task);
        task.a += Rows * (Transposed ? 1 : task.a_stride);
        task.c += Rows * task.c_stride;
    }
    return rows;
}

template <class Tile, bool Transposed, class T>
void add_rows(Index rows, TileTask<T> task) {
    rows = add_strips<Tile, Tile::rows, Transposed>(rows, task);
    rows = add_strips<Tile, 4, Transposed>(rows, task);
    add_strips<Tile, 1, Transposed>(rows, task);
}

/// The last columns, fewer than a tile has: by way of a whole tile.
template <class Tile, bool Transposed, class T>
void add_edge(Index rows, Index columns, TileTask<T> task) {
    T* c = task.c;
    const Index stride = task.c_stride;
    for (Index i = 0; i < rows; i += Tile::rows) {
        T whole[Tile::rows * Tile::columns] = {};
        task.c = whole;
        task.c_stride = Tile::columns;
        const Index count = std::min<Index>(Tile::rows, rows - i);
        add_rows<Tile, Transposed>(count, task);
        task.a += count * (Transposed ? 1 : task.a_stride);
        for (Index n = 0; n < count; ++n) {
            add_run(whole + n * Tile::columns, c + (i + n) * stride, columns);
        }
    }
}

/// Columns j .. j + columns - 1 of c, a block of the depth from k on.
template <class Tile, bool Transposed, class T>
void add_block(const Product<T>& p, Index k, Index depth, Index j, Index columns, const T* panels,
               Index distance) {
    constexpr Index width = Tile::columns;
    // So shallow that c is most of the memory touched, and the first-level cache holds all panels:
    // c is taken row by row.
    const Index step = depth <= shallow ? Index{Tile::rows} : block_rows;
    for (Index i = 0; i < p.rows; i += step) {
        const Index rows = std::min(step, p.rows - i);
        for (Index n = 0; n < columns; n += width) {
            const TileTask<T> task{.depth = depth,
                                   .a = p.a.from(i, k).data,
                                   .a_stride = p.a.stride,
                                   .panel = panels + n / width * distance,
                                   .c = p.c + i * p.stride + j + n,
                                   .c_stride = p.stride};
            if (columns - n >= width) {
                add_rows<Tile, Transposed>(rows, task);
            } else {
                add_edge<Tile, Transposed>(rows, columns - n, task);
            }
        }
    }
}

template <class Tile, bool Transposed, class T>
void add_tiles(const Product<T>& p, T* memory) {
    constexpr Index width = Tile::columns;
    for (Index k = 0; k < p.depth; k += panel_depth) {
        const Index depth = std::min(panel_depth, p.depth - k);
        if (p.panels) {
            add_block<Tile, Transposed>(p, k, depth, 0, p.columns, p.panels + k * width,
                                        p.depth * width);
            continue;
        }
        for (Index j = 0; j < p.columns; j += block_columns) {
            const Index columns = std::min(block_columns, p.columns - j);
            pack_panels(p.b, k, depth, j, columns, memory, depth * width);
            add_block<Tile, Transposed>(p, k, depth, j, columns, memory, depth * width);
        }
    }
}

template <class Tile, class T>
void add_tiles(const Product<T>& p, T* memory) {
    p.a.transposed ? add_tiles<Tile, true>(p, memory) : add_tiles<Tile, false>(p, memory);
}

}  // namespace detail

/// A kernel of gemm.hpp.
struct TiledProduct {
    static constexpr bool takes_panels = true;  ///< Product::panels, for which it packs nothing
    static constexpr Index row_unit = 14;       ///< rows that threads take at least: a tile
    static constexpr Index column_unit = most_panel_columns<float>;  ///< whole panels

    /// Packing memory of one thread, at most, for products of up to this size.
    template <class T>
    static constexpr std::size_t packing_bytes(Index, Index columns, Index depth) {
        return carved_bytes<T>(std::min(depth, detail::panel_depth) *
                               panels_size<T>(1, std::min(columns, detail::block_columns)));
    }

    /// c += a b on one thread.
    template <class T>
    static void add(const Product<T>& p, std::byte* bytes) {
        T* memory = reinterpret_cast<T*>(bytes);
        switch (instructions()) {
#if defined(__x86_64__)
            case Instructions::avx512:
                return detail::add_tiles<Avx512Tile<T>>(p, memory);
            case Instructions::avx2:
                return detail::add_tiles<Avx2Tile<T>>(p, memory);
#endif
            default:
                return detail::add_tiles<PlainTile<T>>(p, memory);
        }
    }
};

}  // namespace tessera::cpu
