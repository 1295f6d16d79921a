// SPDX-License-Identifier: MIT
// Panels of pairs: for each step of the depth and each column, two numbers that follow one another
// along the depth. 2,400 x 256 numbers take 0.023 ms on two cores of Zen 5, 108 GB/s in the caches
// (bench_op_ops, panels2_bf16).
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include "tessera/backend/cpu/interleave.hpp"
#include "tessera/backend/cpu/panel.hpp"

namespace tessera::cpu {

/// Packs `count` columns of which rows(step) are two rows, the second null where there is none.
/// Panel n begins at panels + n * distance; the last one is filled up with zeros.
template <class Rows>
void pack_row_pairs(Index steps, Index count, Pair* panels, Index distance, const Rows& rows) {
    const Index width = panel_columns<Pair>();
    for (Index k = 0; k < steps; ++k) {
        const std::pair<const Bf16*, const Bf16*> pair = rows(k);
        for (Index n = 0; n < count; n += width) {
            Pair* to = panels + n / width * distance + k * width;
            const Index columns = std::min(width, count - n);
            interleave(pair.first + n, pair.second ? pair.second + n : nullptr, columns, to);
            std::fill(to + columns, to + width, Pair{});
        }
    }
}

/// pack_panels of panel.hpp for a depth in pairs.
template <class T>
requires std::is_same_v<T, Bf16>
void pack_panels(const Matrix<T>& b, Index k, Index depth, Index j, Index count, Factor<T>* panels,
                 Index distance) {
    const Index width = panel_columns<Pair>();
    if (!b.transposed) {
        pack_row_pairs(factors<T>(depth), count, panels, distance, [&](Index step) {
            const T* row = b.from(k + 2 * step, j).data;
            return std::pair(row, 2 * step + 1 < depth ? row + b.stride : nullptr);
        });
        return;
    }
    // Pairs lie as they are wanted; a factor of floats is transposed in the same way.
    const Index whole = b.stride % 2 == 0 ? depth / 2 : 0;
    for (Index n = 0; n < count; n += width) {
        Pair* panel = panels + n / width * distance;
        const Index columns = std::min(width, count - n);
        const T* from = b.from(k, j + n).data;
        transpose(as_factors(from), b.stride / 2, columns, whole, panel, width);
        for (Index step = whole; step < factors<T>(depth); ++step) {
            const bool both = 2 * step + 1 < depth;
            for (Index i = 0; i < columns; ++i) {
                const T* pair = from + i * b.stride + 2 * step;
                panel[step * width + i] = {pair[0], both ? pair[1] : T{}};
            }
        }
        for (Index step = 0; columns < width && step < factors<T>(depth); ++step) {
            std::fill(panel + step * width + columns, panel + (step + 1) * width, Pair{});
        }
    }
}

}  // namespace tessera::cpu
