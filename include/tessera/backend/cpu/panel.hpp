// SPDX-License-Identifier: MIT
// Panels: the right factor of a product, copied so that the columns of a tile lie side by side and
// the steps of the depth follow one another.
#pragma once

#include <algorithm>
#include <cstring>

#include "tessera/backend/cpu/instructions.hpp"
#include "tessera/backend/cpu/product.hpp"

namespace tessera::cpu {

/// The widest panel there is; narrower ones divide it.
template <class T>
inline constexpr Index most_panel_columns = 128 / sizeof(T);

/// Columns of a panel: those of a tile.
template <class T>
Index panel_columns() {
    switch (instructions()) {
        case Instructions::avx512:
            return 128 / sizeof(T);
        case Instructions::avx2:
            return 64 / sizeof(T);
        case Instructions::plain:
            break;
    }
    return 32 / sizeof(T);
}

/// Elements of the panels of a whole factor.
template <class T>
constexpr Index panels_size(Index depth, Index columns) {
    constexpr Index most = most_panel_columns<T>;
    return (columns + most - 1) / most * most * depth;
}

namespace detail {

/// to[n * stride + m] = from[m * from_stride + n] for 4 x 4 elements.
inline void transpose_4_by_4(const float* from, Index from_stride, float* to, Index stride) {
    typedef float Lanes4 __attribute__((vector_size(16)));
    Lanes4 in[4];
    for (int m = 0; m < 4; ++m) std::memcpy(&in[m], from + m * from_stride, sizeof in[m]);
    const Lanes4 low_02 = __builtin_shufflevector(in[0], in[2], 0, 4, 1, 5);
    const Lanes4 high_02 = __builtin_shufflevector(in[0], in[2], 2, 6, 3, 7);
    const Lanes4 low_13 = __builtin_shufflevector(in[1], in[3], 0, 4, 1, 5);
    const Lanes4 high_13 = __builtin_shufflevector(in[1], in[3], 2, 6, 3, 7);
    const Lanes4 out[4] = {__builtin_shufflevector(low_02, low_13, 0, 4, 1, 5),
                           __builtin_shufflevector(low_02, low_13, 2, 6, 3, 7),
                           __builtin_shufflevector(high_02, high_13, 0, 4, 1, 5),
                           __builtin_shufflevector(high_02, high_13, 2, 6, 3, 7)};
    for (int n = 0; n < 4; ++n) std::memcpy(to + n * stride, &out[n], sizeof out[n]);
}
inline void transpose_4_by_4(const double* from, Index from_stride, double* to, Index stride) {
    for (int m = 0; m < 4; ++m) {
        for (int n = 0; n < 4; ++n) to[n * stride + m] = from[m * from_stride + n];
    }
}

/// panel[k * width + n] = columns[n * stride + k]
template <class T>
void pack_transposed(const T* columns, Index stride, Index depth, Index count, Index width,
                     T* panel) {
    const Index fours = depth / 4 * 4;
    Index n = 0;
    for (; n + 4 <= count; n += 4) {
        for (Index k = 0; k < fours; k += 4) {
            transpose_4_by_4(columns + n * stride + k, stride, panel + k * width + n, width);
        }
    }
    const Index whole = n;
    for (n = 0; n < count; ++n) {
        for (Index k = n < whole ? fours : 0; k < depth; ++k) {
            panel[k * width + n] = columns[n * stride + k];
        }
    }
}

}  // namespace detail

/// Packs rows k .. k + depth - 1 of columns j .. j + count - 1 of b, whose last panel is filled up
/// with zeros. Panel n begins at panels + n * distance.
template <class T>
void pack_panels(const Matrix<T>& b, Index k, Index depth, Index j, Index count, T* panels,
                 Index distance) {
    const Index width = panel_columns<T>();
    for (Index n = 0; n < count; n += width) {
        T* panel = panels + n / width * distance;
        const Index columns = std::min(width, count - n);
        if (b.transposed) {
            detail::pack_transposed(b.from(k, j + n).data, b.stride, depth, columns, width, panel);
        }
        if (columns == width) continue;
        for (Index i = 0; i < depth; ++i) {
            std::fill(panel + i * width + columns, panel + (i + 1) * width, T{0});
        }
    }
    if (b.transposed) return;
    // Row by row: what lies together is read together. The narrowest panel has 32 bytes.
    constexpr Index step = 32 / sizeof(T);
    const Index whole = count / width;
    for (Index i = 0; i < depth; ++i) {
        const T* row = b.from(k + i, j).data;
        T* to = panels + i * width;
        for (Index panel = 0; panel < whole; ++panel, row += width, to += distance) {
            for (Index n = 0; n < width; n += step) std::memcpy(to + n, row + n, 32);
        }
        std::copy_n(row, count % width, to);
    }
}

}  // namespace tessera::cpu
