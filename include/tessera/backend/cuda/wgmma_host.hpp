// SPDX-License-Identifier: MIT
// wgmma.cuh on the processor that plays the GPU. Descriptors are read as the PTX manual has it
// (sections on the matrix descriptor, on strides and canonical layouts, and on the fragments of
// wgmma), whatever made them. Products are done when they are waited for (simt_products.hpp).
//
// Each thread makes its own sums, in float and k after k.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "tessera/backend/cuda/simt.hpp"
#include "tessera/backend/cuda/wgmma.cuh"

namespace tessera::cuda {

namespace detail {

inline constexpr bool compiles_wgmma = true;

/// A descriptor, decoded.
struct SharedMatrix {
    std::uint64_t start, leading, stride;  ///< bytes
    std::uint64_t base_offset;
    int swizzle;  ///< bytes that a row of the pattern has; 16: none

    explicit SharedMatrix(std::uint64_t descriptor)
        : start((descriptor & 0x3FFF) << 4),
          leading((descriptor >> 16 & 0x3FFF) << 4),
          stride((descriptor >> 32 & 0x3FFF) << 4),
          base_offset(descriptor >> 49 & 7) {
        constexpr int bytes[] = {16, 128, 64, 32};
        swizzle = bytes[descriptor >> 62];
    }

    /// Where element (mn, k) of Bf16 lies. In units of T = 8 elements, 16 bytes, and with x = T's
    /// in a row of the pattern, the manual's layouts of (mn, k) are
    ///   k major    ((8, m), (T, 2k)) : ((x T, stride), (1, T)),    without swizzle (1, leading)
    ///   mn major   ((T, x, m), (8, k)) : ((1, T, leading), (x T, stride)),
    ///              without swizzle ((T, 1, m), (8, k)) : ((1, T, stride), (T, leading))
    /// and then, by Swizzle<log2 x, 4, 3>, bits 4.. of the address are xored with bits 7.. .
    std::uint64_t address(bool k_major, unsigned mn, unsigned k) const {
        const auto row = static_cast<unsigned>(swizzle);  // x T elements
        std::uint64_t at = start;
        if (k_major) {
            at += mn % 8 * row + mn / 8 * stride + k % 8 * 2;
            at += swizzle == 16 ? k / 8 * leading : k / 8 * 16;
        } else if (swizzle == 16) {
            at += mn % 8 * 2 + mn / 8 * stride + k % 8 * 16 + k / 8 * leading;
        } else {
            at += mn % 8 * 2 + mn / 8 % (row / 16) * 16 + mn / (row / 2) * leading;
            at += k % 8 * row + k / 8 * stride;
        }
        return at ^ ((at >> 7 & (row / 16 - 1)) << 4);
    }

    /// The number there, as tensor cores find it in the block's shared memory.
    float read(bool k_major, unsigned mn, unsigned k) const {
        simt::Grid& grid = simt::Grid::running();
        const std::uint64_t at = address(k_major, mn, k);
        if (at + 2 > grid.shared_bytes()) {
            grid.complain("a descriptor leads out of shared memory");
            return 0;
        }
        if (!grid.view().shows(at, 2)) {
            grid.complain("a product reads what a copy has brought without a fence");
        }
        std::uint16_t bits = 0;
        std::memcpy(&bits, grid.shared() + at, sizeof(bits));
        return std::bit_cast<float>(std::uint32_t{bits} << 16);
    }
};

}  // namespace detail

inline bool has_wgmma() { return true; }

inline unsigned shared_address(const void* place) {
    return static_cast<unsigned>(simt::Grid::running().offset_of(place));
}

template <bool AlongKA, bool AlongKB, int Count>
void multiply_matrices(float (&sums)[Count], std::uint64_t a, std::uint64_t b) {
    constexpr unsigned columns = 2 * Count, depth = 16;
    static_assert(columns == 64 || columns == 128 || columns == 192);
    simt::Grid& grid = simt::Grid::running();
    if (blockDim.x * blockDim.y * blockDim.z % simt::warpgroup_lanes != 0) {
        grid.complain("a warpgroup of fewer than 128 threads cannot multiply");
        return;
    }
    if (!grid.meet_warpgroup(a, b)) {
        grid.complain("the threads of a warpgroup give different descriptors");
    }
    if (!grid.products().may_begin(sums)) {
        grid.complain("a product begins without a fence for its sums");
    }
    const detail::SharedMatrix left(a), right(b);
    for (const detail::SharedMatrix& matrix : {left, right}) {
        // The manual has it 0 where the pattern, 8 rows, begins at a multiple of its size.
        if (matrix.base_offset != 0) grid.complain("a descriptor has a base offset");
    }
    const unsigned thread = threadIdx.x % simt::warpgroup_lanes, lane = thread % simt::warp_lanes;
    const unsigned first_row = thread / simt::warp_lanes * 16 + lane / 4;
    grid.products().begin(sums, Count, [=](float* values) {
        float rows[2][depth];
        for (unsigned half = 0; half < 2; ++half) {
            for (unsigned k = 0; k < depth; ++k) {
                rows[half][k] = left.read(AlongKA, first_row + 8 * half, k);
            }
        }
        for (unsigned i = 0; i < columns / 4; ++i) {
            const unsigned column = i / 2 * 8 + lane % 4 * 2 + i % 2;
            for (unsigned k = 0; k < depth; ++k) {
                const float number = right.read(AlongKB, column, k);
                for (unsigned half = 0; half < 2; ++half) {
                    values[i / 2 * 4 + 2 * half + i % 2] += rows[half][k] * number;
                }
            }
        }
    });
}

inline void fence_copies() { simt::Grid::running().fence_copies(); }
inline void fence_sums() { simt::Grid::running().products().fence(); }
inline void end_products() { simt::Grid::running().products().commit(); }

template <int Left>
void wait_for_products() {
    simt::Grid::running().products().wait(Left);
}
template <int Count>
void take_sums(float (&)[Count]) {}

}  // namespace tessera::cuda
