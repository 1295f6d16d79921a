// SPDX-License-Identifier: MIT
#include "tessera/backend/cpu/transpose.hpp"

#include <doctest/doctest.h>

#include <type_traits>

#include "tessera/core/buffer.hpp"

using namespace tessera;

namespace {

/// Element i of a matrix, and what it is compared by.
template <class T>
T number(Index i) {
    if constexpr (std::is_same_v<T, cpu::Pair>) {
        return {Bf16(static_cast<float>(i % 251)), Bf16(static_cast<float>(i / 251 % 251))};
    } else {
        return static_cast<T>(i);
    }
}
bool same(double a, double b) { return a == b; }
bool same(const cpu::Pair& a, const cpu::Pair& b) {
    return a.first == b.first && a.second == b.second;
}

}  // namespace

TEST_CASE_TEMPLATE("a transposed matrix has its rows as columns, and nothing beside it is written",
                   T, float, double, cpu::Pair) {
    // Whole blocks and parts of them; rows that are 4 KB apart, or end in the middle of a block.
    const Index shared = 4096 / static_cast<Index>(sizeof(T));
    for (const Index rows : {1, 3, 4, 17, 64, 70, 133}) {
        for (const Index columns : {1, 4, 7, 33}) {
            for (const Index stride : {columns, columns + 3, shared}) {
                CAPTURE(rows);
                CAPTURE(columns);
                CAPTURE(stride);
                const Index to_stride = rows + 2;
                Buffer<T> from(rows * stride), to(columns * to_stride);
                for (Index i = 0; i < from.size(); ++i) from[i] = number<T>(i);
                for (T& value : to) value = number<T>(250);
                cpu::transpose(from.data(), stride, rows, columns, to.data(), to_stride);
                bool right = true;
                for (Index k = 0; k < columns; ++k) {
                    for (Index n = 0; n < to_stride; ++n) {
                        const T wanted = n < rows ? from[n * stride + k] : number<T>(250);
                        right = right && same(to[k * to_stride + n], wanted);
                    }
                }
                CHECK(right);
            }
        }
    }
}
