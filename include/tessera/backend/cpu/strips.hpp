// SPDX-License-Identifier: MIT
// Strips: products of any number of rows with one panel, by tiles that have certain numbers. C2's
// lines of 27 pixels are tiles of 14 and 13 rows, at 97 to 99 % of arithmetic on two cores of Zen 5
// (bench/run.sh).
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/pair_tile.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/rectify.hpp"
#include "tessera/backend/cpu/tile.hpp"
#include "tessera/core/instructions.hpp"

namespace tessera::cpu {

namespace detail {

template <class Tile>
concept Halved = requires {
    typename Tile::HalfRows;
};

/// The heights of a tile, or of half of one.
template <class Tile, int Vectors>
constexpr auto heights() {
    if constexpr (Vectors == 2) {
        return typename Tile::Rows{};
    } else {
        return typename Tile::HalfRows{};
    }
}

template <class Tile, int Vectors, class T>
void compute_strips(Index rows, TileTask<T> task) {
    using Rows = decltype(heights<Tile, Vectors>());
    while (rows > 0) {
        const int count = Rows::next(rows);
        Rows::visit(count, [&](auto constant) {
            Tile::template compute<decltype(constant)::value, Vectors>(task);
        });
        task.begin += count * task.a_stride;
        task.c += count * task.c_stride;
        rows -= count;
    }
}

/// Columns that fill no vector: by way of a whole tile.
template <class Tile, class T>
void compute_edge(Index rows, Index columns, TileTask<T> task) {
    Sum<T>* c = task.c;
    Sum<T> bias[Tile::columns] = {};
    if (task.bias) std::copy_n(task.bias, columns, bias);
    Sum<T> whole[Tile::Rows::most * Tile::columns];
    const bool accumulate = task.accumulate, last = task.rectify;
    task.c = whole;
    task.bias = bias;
    task.accumulate = task.rectify = false;
    const Index stride = task.c_stride;
    task.c_stride = Tile::columns;
    for (Index i = 0; i < rows; i += Tile::Rows::most) {
        const Index count = std::min<Index>(Tile::Rows::most, rows - i);
        compute_strips<Tile, 2>(count, task);
        task.begin += count * task.a_stride;
        for (Index n = 0; n < count; ++n, c += stride) {
            const Sum<T>* row = whole + n * Tile::columns;
            accumulate ? add_run(row, c, columns) : copy_run(row, c, columns);
            if (last) rectify(columns, c);
        }
    }
}

template <class Tile, class T>
void compute_columns(Index rows, Index columns, const TileTask<T>& task) {
    if (columns == Tile::columns) return compute_strips<Tile, 2>(rows, task);
    if constexpr (Halved<Tile>) {
        if (columns == Tile::columns / 2) return compute_strips<Tile, 1>(rows, task);
    }
    compute_edge<Tile>(rows, columns, task);
}

}  // namespace detail

/// Calls f with the tile of this processor, as a value.
template <class T, class F>
auto with_tile(const F& f) {
    constexpr bool pairs = std::is_same_v<T, Pair>;
#if defined(__x86_64__)
    if constexpr (pairs) {
        if (instructions() == Instructions::avx512bf16) return f(Avx512Bf16Tile{});
    }
    if (instructions() >= Instructions::avx512) {
        return f(std::conditional_t<pairs, Avx512PairTile, Avx512Tile<T>>{});
    }
    if (instructions() >= Instructions::avx2) {
        return f(std::conditional_t<pairs, Avx2PairTile, Avx2Tile<T>>{});
    }
#endif
    return f(std::conditional_t<pairs, PlainPairTile, PlainTile<T>>{});
}

/// A task for `rows` rows and at most panel_columns columns.
template <class T>
void compute_rows(Index rows, Index columns, const TileTask<T>& task) {
    with_tile<T>([&](auto tile) { detail::compute_columns<decltype(tile)>(rows, columns, task); });
}

/// The same with biases and results in T, which is Bf16, rows of y that are `stride` apart. The
/// task has no bias and no c. (A template, as all that has pairs: those who do without do not
/// compile it.)
template <class T>
void compute_narrow_rows(Index rows, Index columns, TileTask<Factor<T>> task, const T* bias, T* y,
                         Index stride) {
    with_tile<Factor<T>>([&](auto tile) {
        using Tile = decltype(tile);
        float sums[Tile::Rows::most * Tile::columns], start[Tile::columns] = {};
        if (bias) std::copy_n(bias, columns, start);
        task.bias = start;
        task.c = sums;
        task.c_stride = Tile::columns;
        for (Index i = 0; i < rows; i += Tile::Rows::most) {
            const Index count = std::min<Index>(Tile::Rows::most, rows - i);
            constexpr int narrowest = detail::Halved<Tile> ? 1 : 2;
            columns > Tile::columns / 2 ? detail::compute_strips<Tile, 2>(count, task)
                                        : detail::compute_strips<Tile, narrowest>(count, task);
            task.begin += count * task.a_stride;
            for (Index n = 0; n < count; ++n, y += stride) {
                T row[Tile::columns];
                Tile::narrow(sums + n * Tile::columns, columns < Tile::columns ? row : y);
                if (columns < Tile::columns) std::copy_n(row, columns, y);
            }
        }
    });
}

/// Rows of the next strip of so many.
template <class T>
int strip_rows(Index rows) {
    return with_tile<T>([=](auto tile) { return decltype(tile)::Rows::next(rows); });
}

}  // namespace tessera::cpu
