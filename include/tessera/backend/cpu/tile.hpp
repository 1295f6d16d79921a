// SPDX-License-Identifier: MIT
// Tiles: the part of a product that stays in registers while the depth runs.
//
// A tile of AVX-512 is 14 rows of two vectors: 28 sums, the two vectors of b and one broadcast
// element of a fill 31 of 32 registers. Each step of the depth is 28 multiply-adds, 14 cycles at
// two a cycle, on 16 loads, 8 cycles: arithmetic is the limit. Elements of a are broadcast from
// where they lie, so that only b is packed, into panels as wide as a tile. AVX2, and the vectors of
// 16 bytes that every machine has, go with 16 registers: 6 rows of two vectors.
#pragma once

#include <cstring>

#include "tessera/backend/cpu/instructions.hpp"
#include "tessera/core/shape.hpp"

namespace tessera::cpu {

/// c(i, j) += sum over k of a(i, k) * panel(k, j), j over the columns of a tile. Element (i, k) of
/// a is a[i * a_stride + k], or a[k * a_stride + i] when transposed; (k, j) of the panel is
/// panel[k * columns + j].
template <class T>
struct TileTask {
    Index depth = 0;
    const T* a = nullptr;
    Index a_stride = 0;
    const T* panel = nullptr;
    T* c = nullptr;
    Index c_stride = 0;
};

namespace detail {

/// Compiled with the instructions of the function it is inlined into.
template <int Bytes, int Rows, bool Transposed, class T>
[[gnu::always_inline]] inline void add_tile(const TileTask<T>& t) {
    typedef T Lanes __attribute__((vector_size(Bytes)));
    constexpr Index lanes = Bytes / sizeof(T);
    Lanes sums[Rows][2];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) sums[i][0] = sums[i][1] = Lanes{};
    const T *a = t.a, *b = t.panel;
    for (Index k = 0; k < t.depth; ++k) {
        Lanes left, right;
        std::memcpy(&left, b, sizeof left);
        std::memcpy(&right, b + lanes, sizeof right);
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i) {
            const T factor = Transposed ? a[i] : a[i * t.a_stride];
            sums[i][0] += factor * left;
            sums[i][1] += factor * right;
        }
        a += Transposed ? t.a_stride : 1;
        b += 2 * lanes;
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
        Lanes row[2];
        std::memcpy(row, t.c + i * t.c_stride, sizeof row);
        row[0] += sums[i][0];
        row[1] += sums[i][1];
        std::memcpy(t.c + i * t.c_stride, row, sizeof row);
    }
}

}  // namespace detail

/// Vectors of 16 bytes: SSE, NEON, or whatever the compiler makes of them.
template <class T>
struct PlainTile {
    static constexpr int rows = 6;
    static constexpr Index columns = 32 / sizeof(T);

    template <int Rows, bool Transposed>
    static void add(const TileTask<T>& task) {
        detail::add_tile<16, Rows, Transposed>(task);
    }
};

#if defined(__x86_64__)
template <class T>
struct Avx512Tile {
    static constexpr int rows = 14;
    static constexpr Index columns = 128 / sizeof(T);

    template <int Rows, bool Transposed>
    [[gnu::target("avx512f")]] static void add(const TileTask<T>& task) {
        detail::add_tile<64, Rows, Transposed>(task);
    }
};

template <class T>
struct Avx2Tile {
    static constexpr int rows = 6;
    static constexpr Index columns = 64 / sizeof(T);

    template <int Rows, bool Transposed>
    [[gnu::target("avx2,fma")]] static void add(const TileTask<T>& task) {
        detail::add_tile<32, Rows, Transposed>(task);
    }
};
#endif

}  // namespace tessera::cpu
