// SPDX-License-Identifier: MIT
// TiledProduct: blocks of the depth, blocks of columns, panels, strips of rows.
//
// A strip of a (14 x 256 floats are 14 KB) stays in the first-level cache while the panels of a
// block pass by, out of the second-level one. Meanwhile what comes next is fetched from memory.
// AlexNet's FC6 at a batch of 128 takes two cores of Zen 5 26 to 35 ms forward and 24 to 28 back,
// 280 to 400 of their 470 to 500 GFLOP/s, by what the memory gives in the hour (bench/run.sh).
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/pair_panel.hpp"
#include "tessera/backend/cpu/product.hpp"
#include "tessera/backend/cpu/range.hpp"
#include "tessera/backend/cpu/strips.hpp"

namespace tessera::cpu {

/// A kernel of gemm.hpp.
struct TiledProduct {
    static constexpr Index most_few_rows = 32;  ///< of a batch, which FewRows takes
    static constexpr bool takes_panels = true;  ///< Product::panels, for which it packs nothing
    static constexpr Index row_unit = 14;       ///< rows that threads take at least: a tile
    static constexpr Index column_unit = most_panel_columns<float>;  ///< whole panels

    /// Packing memory of one thread, at most, for products of up to this size.
    template <class T>
    static constexpr std::size_t packing_bytes(Index, Index columns, Index depth) {
        const Index length = std::min(factors<T>(depth), panel_depth);
        const Index most = panels_size<Factor<T>>(1, std::min(columns, block_columns(length)));
        return carved_bytes<Factor<T>>(most_tile_rows * length) +
               carved_bytes<Factor<T>>(length * most);
    }

    /// c += a b on one thread.
    template <class T>
    static void add(const Product<T>& p, std::byte* bytes) {
        using F = Factor<T>;
        constexpr Index block = panel_depth * factor_length<T>;
        const Index most = std::min(factors<T>(p.depth), panel_depth);
        const Index step = block_columns(most);
        F* strip = reinterpret_cast<F*>(bytes);
        F* panels = reinterpret_cast<F*>(bytes + carved_bytes<F>(most_tile_rows * most));
        const Index width = panel_columns<F>();
        for (Index k = 0; k < p.depth; k += block) {
            const Range depth{k, std::min(k + block, p.depth)};
            if (p.panels) {
                add_block(p, depth, {0, p.columns}, p.panels + factors<T>(k) * width,
                          factors<T>(p.depth) * width, {}, strip);
                continue;
            }
            for (Index j = 0; j < p.columns; j += step) {
                const Range columns{j, std::min(j + step, p.columns)};
                const Index distance = factors<T>(depth.length()) * width;
                pack_panels(p.b, k, depth.length(), j, columns.length(), panels, distance);
                const bool last = columns.end == p.columns;
                const Index from = last ? depth.end : k, left = last ? 0 : columns.end;
                add_block(p, depth, columns, panels, distance,
                          Fetch<T>(p.b, {from, std::min(from + block, p.depth)},
                                   {left, std::min(left + step, p.columns)}),
                          strip);
            }
        }
    }

private:
    static constexpr Index panel_depth = 256;  // in factors

    /// Columns that are packed at once: 256 KB of panels stay in the second-level cache.
    static constexpr Index block_columns(Index depth) {
        return std::max<Index>(1, panel_depth / depth) * 256;
    }

    /// Fetches a part of a factor into the second-level cache, some lines at each call.
    template <class T>
    class Fetch {
    public:
        Fetch() = default;
        /// The rows and columns `i` and `j`.
        Fetch(const Matrix<T>& matrix, Range i, Range j)
            : matrix_(matrix.from(i.begin, j.begin)),
              rows_(matrix.transposed ? j.length() : i.length()),
              length_(matrix.transposed ? i.length() : j.length()) {}

        Index lines() const { return rows_ * ((length_ + line - 1) / line); }

        void advance(Index lines) {
            for (; lines > 0 && row_ < rows_; --lines) {
                __builtin_prefetch(matrix_.data + row_ * matrix_.stride + at_, 0, 2);
                at_ += line;
                if (at_ < length_) continue;
                at_ = 0;
                ++row_;
            }
        }

    private:
        static constexpr Index line = 64 / sizeof(T);
        Matrix<T> matrix_{};
        Index rows_ = 0, length_ = 0, row_ = 0, at_ = 0;
    };

    /// Rows that lie transposed, or a multiple of a page apart, where they would compete for the
    /// same few places of the first-level cache: they are copied.
    template <class T>
    static bool is_scattered(const Matrix<T>& a) {
        return a.transposed || a.stride * static_cast<Index>(sizeof(T)) % 4096 == 0;
    }

    /// The first `rows` rows of a, as far as `depth`, as a task wants them.
    template <class T>
    static void set_rows(const Matrix<T>& a, Index rows, Index, T* strip, TileTask<T>& task) {
        task.a = a.data;
        task.a_stride = a.stride;
        if (!is_scattered(a)) return;
        task.a = strip;
        task.a_stride = a.transposed ? 1 : task.depth;
        task.a_step = a.transposed ? rows : 1;
        const Index count = a.transposed ? task.depth : rows;
        const Index length = a.transposed ? rows : task.depth;
        for (Index n = 0; n < count; ++n)
            copy_run(a.data + n * a.stride, strip + n * length, length);
    }

    static void set_rows(const Matrix<Bf16>& a, Index rows, Index depth, Pair* strip,
                         TileTask<Pair>& task) {
        task.a = strip;
        if (a.transposed) {
            task.a_stride = 1;
            task.a_step = rows;
            for (Index k = 0; k < depth; k += 2, strip += rows) {
                const Bf16* row = a.from(0, k).data;
                interleave(row, k + 1 < depth ? row + a.stride : nullptr, rows, strip);
            }
            return;
        }
        task.a_stride = task.depth;
        if (depth % 2 == 0 && a.stride % 2 == 0 && !is_scattered(a)) {
            task.a = as_factors(a.data);
            task.a_stride = a.stride / 2;
            return;
        }
        for (Index i = 0; i < rows; ++i, strip += task.depth) {
            const Bf16* row = a.from(i, 0).data;
            copy_run(as_factors(row), strip, depth / 2);
            if (depth % 2 != 0) strip[depth / 2] = {row[depth - 1], Bf16{}};
        }
    }

    /// A block of the depth, columns `columns` of c.
    template <class T>
    static void add_block(const Product<T>& p, Range depth, Range columns, const Factor<T>* panels,
                          Index distance, Fetch<T> next, Factor<T>* strip) {
        using F = Factor<T>;
        const Index width = panel_columns<F>();
        const Index panel_count = (columns.length() + width - 1) / width;
        const Index tiles = (p.rows + most_tile_rows - 1) / most_tile_rows * panel_count;
        const Index lines = (next.lines() + tiles - 1) / tiles;
        TileTask<F> task{.depth = factors<T>(depth.length()),
                         .panel_step = width,
                         .c_stride = p.stride,
                         .accumulate = true};
        for (Index i = 0, rows = 0; i < p.rows; i += rows) {
            rows = strip_rows<F>(p.rows - i);
            set_rows(p.a.from(i, depth.begin), rows, depth.length(), strip, task);
            Fetch<T> rows_behind;
            if (is_scattered(p.a)) {
                // The strip after the next: with a few columns the next one comes too soon.
                const Index from = std::min(i + 2 * rows, p.rows);
                rows_behind = {p.a, {from, from + std::min<Index>(rows, p.rows - from)}, depth};
            }
            const Index lines_behind = (rows_behind.lines() + panel_count - 1) / panel_count;
            for (Index j = columns.begin; j < columns.end; j += width) {
                next.advance(lines);
                rows_behind.advance(lines_behind);
                task.panel = panels + (j - columns.begin) / width * distance;
                task.c = p.c + i * p.stride + j;
                compute_rows<F>(rows, std::min(width, columns.end - j), task);
            }
        }
    }
};

}  // namespace tessera::cpu
