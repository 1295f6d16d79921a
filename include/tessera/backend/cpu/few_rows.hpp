// SPDX-License-Identifier: MIT
// Products with few rows, those of a batch with the weights of a linear layer: the other factor,
// of which there are 151 MB in AlexNet's FC6, is read once, where it lies.
//
// 11 rows of b by two vectors of columns stay in 22 registers while the rows of a pass by: for each
// 22 multiply-adds, 11 cycles, on 13 loads and 2 stores. The sums lie in panels as wide as that,
// one after the other, in 256 KB of the second-level cache: 12 bytes a cycle in, 12 out. (Rows of c
// are 16 KB apart, and would compete for the same few places of the caches.) Meanwhile the next
// rows of b are fetched from memory, which is the limit: at a batch of 16, FC6 is 2.5 ms of
// arithmetic at 479 GFLOP/s and 3.8 ms of reading at 40 GB/s; together they take 5.0
// (bench/run.sh).
//
// A sum joins the others after 11 products (5 with shorter vectors), so that 9,216 of them end
// within 3e-6 of the largest.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/lanes.hpp"
#include "tessera/backend/cpu/panel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/product.hpp"
#include "tessera/core/with_instructions.hpp"

namespace tessera::cpu {

namespace detail {

inline constexpr Index most_few_rows = 32;  // for which there is room

/// Sums that stay in the second-level cache.
template <class T>
constexpr Index few_rows_room() {
    return (Index{256} << 10) / static_cast<Index>(sizeof(Master<T>));
}

/// sums += sum, two vectors.
template <class V, class S>
[[gnu::always_inline]] inline void add_to_sums(typename V::Lanes (&sum)[2], S* sums) {
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
        typename V::Lanes before;
        std::memcpy(&before, sums + v * V::lanes, sizeof before);
        sum[v] += before;
        std::memcpy(sums + v * V::lanes, &sum[v], sizeof before);
    }
}

/// Steps of the depth that take a row of b each.
template <int Bytes, class T>
struct SingleSteps {
    using V = Vectors<Bytes, T>;
    using Factor = Master<T>;
    static constexpr Index count = Bytes == 64 ? 11 : 5, rows = 1;

    static Factor factor(const T* a, Index) { return a[0]; }

    /// sums += a b for all rows of a, and two vectors of columns from `at` on.
    [[gnu::always_inline]] static void add(const Factor* factors, Index a_rows,
                                           const T* const* lines, Index at, Master<T>* sums) {
        typename V::Lanes parts[count][2];
#pragma GCC unroll 16
        for (int k = 0; k < count; ++k) {
            V::load(lines[k] + at, parts[k][0]);
            V::load(lines[k] + at + V::lanes, parts[k][1]);
        }
        for (Index i = 0; i < a_rows; ++i, sums += 2 * V::lanes, factors += count) {
            typename V::Lanes sum[2] = {};
#pragma GCC unroll 16
            for (int k = 0; k < count; ++k) {
                const Factor factor = factors[k];
#pragma GCC unroll 2
                for (int v = 0; v < 2; ++v) sum[v] += factor * parts[k][v];
            }
            add_to_sums<V>(sum, sums);
        }
    }
};

#if defined(__x86_64__)
/// Steps that take two rows of b each, by VDPBF16PS.
template <class T>
struct PairSteps {
    using V = Vectors<64, T>;
    using Factor = std::uint32_t;
    static constexpr Index count = 11, rows = 2;

    static Factor factor(const T* a, Index left) {
        const T pair[2] = {a[0], left > 1 ? a[1] : T{}};
        Factor both;
        std::memcpy(&both, pair, sizeof both);
        return both;
    }

    /// In words of assembly, as pair_tile.hpp says; of a conversion in the language compilers make
    /// five times the instructions.
    [[gnu::target("avx512f")]] static void add(const Factor* factors, Index a_rows,
                                               const T* const* lines, Index at, float* sums) {
        typedef std::uint32_t Pairs __attribute__((vector_size(64)));
        typedef std::uint16_t Numbers __attribute__((vector_size(32), aligned(2), may_alias));
        Pairs parts[count][2];
#pragma GCC unroll 16
        for (int k = 0; k < count; ++k) {
#pragma GCC unroll 2
            for (int v = 0; v < 2; ++v) {
                const T *low = lines[2 * k] + at, *high = lines[2 * k + 1] + at;
                Pairs first, second;
                asm("vpmovzxwd {%1, %0|%0, %1}"
                    : "=v"(first)
                    : "m"(*reinterpret_cast<const Numbers*>(low + v * V::lanes)));
                asm("vpmovzxwd {%1, %0|%0, %1}"
                    : "=v"(second)
                    : "m"(*reinterpret_cast<const Numbers*>(high + v * V::lanes)));
                parts[k][v] = first | second << 16;
            }
        }
        for (Index i = 0; i < a_rows; ++i, sums += 2 * V::lanes, factors += count) {
            typename V::Lanes sum[2] = {};
#pragma GCC unroll 16
            for (int k = 0; k < count; ++k) {
                const Pairs factor = factors[k] + Pairs{};
#pragma GCC unroll 2
                for (int v = 0; v < 2; ++v) {
                    asm("vdpbf16ps {%2, %1, %0|%0, %1, %2}"
                        : "+v"(sum[v])
                        : "v"(parts[k][v]), "v"(factor));
                }
            }
            add_to_sums<V>(sum, sums);
        }
    }
};
#endif

template <class Steps, class T>
[[gnu::always_inline]] inline void add_few_rows(const Product<T>& p, Master<T>* sums) {
    constexpr Index width = 2 * Steps::V::lanes, depth = Steps::count * Steps::rows;
    constexpr Index line = 64 / sizeof(T);
    const Index block = few_rows_room<T>() / std::max<Index>(1, p.rows) / width * width;
    for (Index first = 0; first < p.columns; first += block) {
        const Index count = std::min(block, p.columns - first);
        std::fill_n(sums, (count + width - 1) / width * width * p.rows, Master<T>{0});
        for (Index k = 0; k < p.depth; k += depth) {
            const Index left = std::min(depth, p.depth - k);
            typename Steps::Factor factors[most_few_rows * Steps::count];
            for (Index i = 0; i < p.rows; ++i) {
                const T* a = p.a.from(i, k).data;
                for (Index n = 0, row = 0; n < Steps::count; ++n, row += Steps::rows) {
                    factors[i * Steps::count + n] =
                        row < left ? Steps::factor(a + row, left - row) : typename Steps::Factor{};
                }
            }
            const T* lines[depth];
            T padded[depth * width];  // columns that fill no two vectors, and zeros
            for (Index n = 0; n < depth; ++n) {
                lines[n] = p.b.from(k + std::min(n, left - 1), first).data;
            }
            // A few images are so quick that the processor's own fetching is ahead.
            const Index ahead = p.rows > 4 ? std::min(depth, p.depth - k - left) : 0;
            for (Index at = 0; at < count; at += width) {
                for (Index n = 0; n < ahead; ++n) {
                    const T* next = lines[n] + depth * p.b.stride + at;
                    for (Index i = 0; i < width; i += line) __builtin_prefetch(next + i, 0, 2);
                }
                const bool fills = count - at >= width;
                for (Index n = 0; n < depth && !fills; ++n) {
                    std::fill_n(padded + n * width, width, T{});
                    copy_run(lines[n] + at, padded + n * width, count - at);
                    lines[n] = padded + n * width;
                }
                Steps::add(factors, p.rows, lines, fills ? at : 0, sums + at * p.rows);
            }
        }
        for (Index at = 0; at < count; at += width) {
            for (Index i = 0; i < p.rows; ++i) {
                add_run(sums + at * p.rows + i * width, p.c + i * p.stride + first + at,
                        std::min(width, count - at));
            }
        }
    }
}

/// The sum of a[k] * b[k].
template <class T>
[[gnu::always_inline]] inline Master<T> inner_product(const T* a, const T* b, Index count) {
    constexpr Index lanes = 64;
    Master<T> sums[lanes] = {};
    Index k = 0;
    for (; k + lanes <= count; k += lanes) {
        for (Index n = 0; n < lanes; ++n) sums[n] += a[k + n] * b[k + n];
    }
    for (Index n = 0; k + n < count; ++n) sums[n] += a[k + n] * b[k + n];
    // In steps that vectorise, then as a tree: one chain of 64 additions takes longer than the
    // rest.
    for (Index n = 0; n < 32; ++n) sums[n] += sums[n + 32];
    for (Index n = 0; n < 16; ++n) sums[n] += sums[n + 16];
    for (Index n = 0; n < 8; ++n) sums[n] += sums[n + 8];
    for (Index n = 0; n < 4; ++n) sums[n] += sums[n + 4];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// c += a b, b being transposed.
template <class T>
void add_inner_products(const Product<T>& p) {
    for (Index j = 0; j < p.columns; ++j) {
        for (Index i = 0; i < p.rows; ++i) {
            p.c[i * p.stride + j] +=
                inner_product(p.a.data + i * p.a.stride, p.b.data + j * p.b.stride, p.depth);
        }
    }
}

}  // namespace detail

/// A kernel of gemm.hpp; a is not transposed.
struct FewRows {
    static constexpr Index most = detail::most_few_rows;
    static constexpr Index most_transposed = 4;  ///< with b transposed: rows have inner products
    static constexpr Index row_unit = most;
    static constexpr Index column_unit = most_panel_columns<float>;

    template <class T>
    static constexpr std::size_t packing_bytes(Index rows, Index columns, Index) {
        return carved_bytes<Master<T>>(std::min(
            detail::few_rows_room<T>(), std::min(rows, most) * panels_size<Master<T>>(1, columns)));
    }

    /// c += a b on one thread.
    template <class T>
    static void add(const Product<T>& p, std::byte* memory) {
        Master<T>* sums = reinterpret_cast<Master<T>*>(memory);
        with_instructions([&](auto bytes) __attribute__((always_inline)) {
            if (p.b.transposed) return detail::add_inner_products(p);
#if defined(__x86_64__)
            if constexpr (std::is_same_v<T, Bf16> && bytes == 64) {
                if (instructions() == Instructions::avx512bf16) {
                    return detail::add_few_rows<detail::PairSteps<T>>(p, sums);
                }
            }
#endif
            detail::add_few_rows<detail::SingleSteps<bytes, T>>(p, sums);
        });
    }
};

}  // namespace tessera::cpu
