// SPDX-License-Identifier: MIT
// Matrix products, row by row in memory, without allocation: what all kernels share. A kernel adds
// a b to c on one thread: TiledProduct, FewRows, or, to compare with, EigenProduct (eigen.hpp).
#pragma once

#include <algorithm>
#include <cstring>

#include "tessera/backend/cpu/lanes.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/parallel_vectors.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/product.hpp"
#include "tessera/backend/cpu/rectify.hpp"
#include "tessera/core/with_instructions.hpp"

namespace tessera::cpu {

namespace detail {

template <class Kernel, class T>
void multiply_part(const Product<T>& p, std::byte* memory) {
    if (!p.accumulate) {
        for (Index i = 0; i < p.rows; ++i) {
            Master<T>* row = p.c + i * p.stride;
            if (p.bias) {
                std::copy_n(p.bias, p.columns, row);
            } else {
                std::fill_n(row, p.columns, Master<T>{0});
            }
        }
    }
    Kernel::add(p, memory);
    for (Index i = 0; p.rectify && i < p.rows; ++i) rectify(p.columns, p.c + i * p.stride);
}

}  // namespace detail

/// Each element of c is computed by one thread. `memory`: packing_bytes of the kernel for each
/// thread, aligned.
template <class Kernel, class T>
void multiply(const Product<T>& p, int threads, std::byte* memory) {
    const std::size_t share = Kernel::template packing_bytes<T>(p.rows, p.columns, p.depth);
    // Threads share the longer side, so that the shorter factor is the one packed more than once.
    const bool by_rows = p.rows >= p.columns;
    const Index length = by_rows ? p.rows : p.columns;
    const Index unit = by_rows ? Kernel::row_unit : Kernel::column_unit;
    parallel_for(
        (length + unit - 1) / unit, threads_for(p.rows * p.columns * p.depth / 16, threads),
        [&](Index begin, Index end, int thread) {
            const Index first = begin * unit;
            const Index count = std::min(end * unit, length) - first;
            Product<T> part = p;
            if (by_rows) {
                part.rows = count;
                part.a = p.a.from(first, 0);
                part.c += first * p.stride;
            } else {
                part.columns = count;
                part.b = p.b.from(0, first);
                if (p.panels) part.panels += first * p.depth;
                part.c += first;
                if (p.bias) part.bias += first;
            }
            detail::multiply_part<Kernel>(part, memory + static_cast<std::size_t>(thread) * share);
        });
}

/// sums[j] += sum over the rows of a[i, j]
///
/// A vector of columns at a time, the last of which may overlap the one before: threads share few
/// columns, such as the 96 of AlexNet's C1. 3,025 rows of these take a core of Zen 5 0.0115 ms, 101
/// GB/s in the caches (bench_op_ops, column_sums1).
template <class T>
void add_column_sums(Index rows, Index columns, const T* a, Index stride, Master<T>* sums) {
    constexpr Index stretch = 256;  // rows added up in Master<T> before they join the sum in double
    constexpr Index most = 64;      // columns
    for (Index j = 0; j < columns; j += most) {
        const Index count = std::min(most, columns - j);
        double totals[most] = {};
        for (Index first = 0; first < rows; first += stretch) {
            const Index last = std::min(rows, first + stretch);
            Master<T> parts[most] = {};
            with_instructions([&](auto bytes) __attribute__((always_inline)) {
                using V = Vectors<bytes, T>;
                if (count < V::lanes) {
                    for (Index i = first; i < last; ++i) {
                        for (Index k = 0; k < count; ++k) parts[k] += a[i * stride + j + k];
                    }
                    return;
                }
                for (Index k = 0; k < count; k += V::lanes) {
                    const Index at = std::min(k, count - V::lanes);
                    typename V::Lanes sum = {}, row;
                    for (Index i = first; i < last; ++i) {
                        V::load(a + i * stride + j + at, row);
                        sum += row;
                    }
                    std::memcpy(parts + at, &sum, sizeof sum);
                }
            });
            for (Index k = 0; k < count; ++k) totals[k] += parts[k];
        }
        for (Index k = 0; k < count; ++k) {
            sums[j + k] = static_cast<Master<T>>(sums[j + k] + totals[k]);
        }
    }
}

}  // namespace tessera::cpu
