// SPDX-License-Identifier: MIT
// Tiles of products in bfloat16, with sums in float. A step of the depth takes two numbers of each
// row of a and of each column of the panel.
//
// VDPBF16PS does that for 16 columns and is what the tile of AVX512_BF16 is made of: 14 rows of two
// vectors, 28 sums, as the tile of floats (tile.hpp), with the same loads for twice the depth. It
// takes subnormal numbers for zero. direct_conv.hpp has what that measures: 920 to 940 GFLOP/s of
// 1,008. Without it, pairs are widened to float, in vectors of any size: 6 rows, as the four
// vectors of the panel take registers too.
#pragma once

#include <cstdint>

#include "tessera/backend/cpu/lanes.hpp"
#include "tessera/backend/cpu/tile.hpp"

namespace tessera::cpu {

namespace detail {

/// Compiled with the instructions of the function it is inlined into.
template <int Bytes, int Rows, int Vectors>
[[gnu::always_inline]] inline void compute_widened(const TileTask<Pair>& t) {
    typedef typename Vector<Bytes, float>::Lanes Lanes;
    typedef typename Vector<Bytes, std::uint32_t>::Lanes Words;
    constexpr Index lanes = Bytes / sizeof(float);
    Lanes sums[Rows][Vectors];
    start_sums<Bytes, Rows, Vectors>(t, sums);
    for (Index n = 0; n < t.run_count; ++n) {
        const Pair *a = t.a + (t.begin + t.runs[n].a), *b = t.panel + t.runs[n].panel;
        for (Index k = 0; k < t.depth; ++k) {
            Lanes first[Vectors], second[Vectors];
#pragma GCC unroll 2
            for (int v = 0; v < Vectors; ++v) {
                Words pairs;
                std::memcpy(&pairs, b + v * lanes, sizeof pairs);
                first[v] = reinterpret_cast<Lanes>(pairs << 16);
                second[v] = reinterpret_cast<Lanes>(pairs & 0xFFFF0000);
            }
#pragma GCC unroll 16
            for (int i = 0; i < Rows; ++i) {
                const float low = a[i * t.a_stride].first, high = a[i * t.a_stride].second;
#pragma GCC unroll 2
                for (int v = 0; v < Vectors; ++v) {
                    sums[i][v] += low * first[v];
                    sums[i][v] += high * second[v];
                }
            }
            a += t.a_step;
            b += t.panel_step;
        }
    }
    finish_sums<Bytes, Rows, Vectors>(t, sums);
}

/// y[i] = x[i], rounded, for whole vectors.
template <int Bytes>
[[gnu::always_inline]] inline void narrow_lanes(Index count, const float* x, Bf16* y) {
    using V = Vectors<Bytes, Bf16>;
    for (Index i = 0; i < count; i += V::lanes) {
        typename V::Lanes values;
        std::memcpy(&values, x + i, sizeof values);
        V::store(values, y + i);
    }
}

}  // namespace detail

/// As PlainTile, and `narrow`: y[i] = x[i], rounded, for as many as a tile has columns.
struct PlainPairTile {
    using Rows = TileRows<6, 4, 1>;
    static constexpr Index columns = 8;

    template <int Count, int Vectors>
    static void compute(const TileTask<Pair>& task) {
        detail::compute_widened<16, Count, Vectors>(task);
    }
    static void narrow(const float* x, Bf16* y) { detail::narrow_lanes<16>(columns, x, y); }
};

#if defined(__x86_64__)
struct Avx2PairTile {
    using Rows = TileRows<6, 4, 1>;
    static constexpr Index columns = 16;

    template <int Count, int Vectors>
    [[gnu::target("avx2,fma")]] static void compute(const TileTask<Pair>& task) {
        detail::compute_widened<32, Count, Vectors>(task);
    }
    [[gnu::target("avx2,fma")]] static void narrow(const float* x, Bf16* y) {
        detail::narrow_lanes<32>(columns, x, y);
    }
};

struct Avx512PairTile {
    using Rows = TileRows<6, 4, 1>;
    using HalfRows = Rows;
    static constexpr Index columns = 32;

    template <int Count, int Vectors>
    [[gnu::target("avx512f")]] static void compute(const TileTask<Pair>& task) {
        detail::compute_widened<64, Count, Vectors>(task);
    }
    [[gnu::target("avx512f")]] static void narrow(const float* x, Bf16* y) {
        detail::narrow_lanes<64>(columns, x, y);
    }
};

struct Avx512Bf16Tile {
    using Rows = TileRows<14, 13, 8, 7, 4, 2, 1>;
    using HalfRows = TileRows<14, 13, 8, 4, 1>;
    static constexpr Index columns = 32;

    /// In words of assembly, as compilers differ on the types of the intrinsic function and its
    /// header takes longer to read than all of this one's users.
    template <int Count, int Vectors>
    [[gnu::target("avx512f")]] static void compute(const TileTask<Pair>& t) {
        typedef std::int32_t Words __attribute__((vector_size(64)));
        detail::Vector<64, float>::Lanes sums[Count][Vectors];
        detail::start_sums<64, Count, Vectors>(t, sums);
        for (Index n = 0; n < t.run_count; ++n) {
            const Pair *a = t.a + (t.begin + t.runs[n].a), *b = t.panel + t.runs[n].panel;
            for (Index k = 0; k < t.depth; ++k) {
                Words row[Vectors];
#pragma GCC unroll 2
                for (int v = 0; v < Vectors; ++v) std::memcpy(&row[v], b + v * 16, sizeof(Words));
#pragma GCC unroll 16
                for (int i = 0; i < Count; ++i) {
                    std::int32_t pair;
                    std::memcpy(&pair, a + i * t.a_stride, sizeof pair);
                    const Words factor = pair + Words{};
#pragma GCC unroll 2
                    for (int v = 0; v < Vectors; ++v) {
                        asm("vdpbf16ps {%2, %1, %0|%0, %1, %2}"
                            : "+v"(sums[i][v])
                            : "v"(row[v]), "v"(factor));
                    }
                }
                a += t.a_step;
                b += t.panel_step;
            }
        }
        detail::finish_sums<64, Count, Vectors>(t, sums);
    }
    [[gnu::target("avx512f")]] static void narrow(const float* x, Bf16* y) {
        detail::narrow_lanes<64>(columns, x, y);
    }
};
#endif

}  // namespace tessera::cpu
