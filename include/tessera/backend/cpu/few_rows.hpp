// SPDX-License-Identifier: MIT
// Products with few rows, where packing the other factor would cost more than the product: it is
// read once, where it lies.
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/product.hpp"

namespace tessera::cpu {

/// Up to here it is faster than the blocked product (2048 x 1024 and 9216 x 4096, AVX-512).
inline constexpr Index few_rows = 4;

/// c += a b for at most few_rows rows; neither factor transposed.
template <class T>
void add_few_rows(const Product<T>& p) {
    using S = Master<T>;
    // As many columns as there is room for sums: what is read lies together as far as it can.
    constexpr Index room = 2048;
    const Index width = room / std::max<Index>(1, p.rows);
    for (Index j = 0; j < p.columns; j += width) {
        const Index count = std::min(width, p.columns - j);
        S sums[room] = {};
        for (Index k = 0; k < p.depth; k += 4) {
            const T* lines[4];
            for (Index n = 0; n < 4; ++n) {
                lines[n] = p.b.data + std::min(k + n, p.depth - 1) * p.b.stride + j;
            }
            for (Index i = 0; i < p.rows; ++i) {
                S factors[4];
                for (Index n = 0; n < 4; ++n) {
                    factors[n] = k + n < p.depth ? p.a.data[i * p.a.stride + k + n] : T{};
                }
                S* sum = sums + i * width;
                in_pieces<32>(count, [&](Index at, auto length) {
                    S piece[32];
                    for (Index n = 0; n < length; ++n) {
                        piece[n] = sum[at + n] + factors[0] * lines[0][at + n] +
                                   factors[1] * lines[1][at + n] + factors[2] * lines[2][at + n] +
                                   factors[3] * lines[3][at + n];
                    }
                    for (Index n = 0; n < length; ++n) sum[at + n] = piece[n];
                });
            }
        }
        for (Index i = 0; i < p.rows; ++i) add_run(sums + i * width, p.c + i * p.stride + j, count);
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

/// c += a b for at most few_rows rows; b is transposed.
template <class T>
void add_few_rows_transposed(const Product<T>& p) {
    for (Index j = 0; j < p.columns; ++j) {
        for (Index i = 0; i < p.rows; ++i) {
            p.c[i * p.stride + j] +=
                inner_product(p.a.data + i * p.a.stride, p.b.data + j * p.b.stride, p.depth);
        }
    }
}

}  // namespace tessera::cpu
