// SPDX-License-Identifier: MIT
// mma.cuh on the processor that plays the GPU: the lanes of a warp meet and show each other their
// registers, laid out as the PTX manual has it (sections on mma and ldmatrix).
//
// Sums are made in double and rounded once; a GPU rounds more often, in an order of its own.
// Addresses that are not a multiple of what is moved fail, and load_matrices() counts the times
// that rows it reads together share banks, which costs a GPU time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tessera/backend/cuda/mma.cuh"
#include "tessera/backend/cuda/simt.hpp"

namespace tessera::cuda {

namespace detail {

inline const char* const misaligned = "an address is no multiple of the bytes that are moved";

inline unsigned running_lane() { return threadIdx.x % simt::warp_lanes; }

/// What lane `from` of the warp brought to a meeting.
template <class T>
T brought(const std::byte* places, unsigned from) {
    T value;
    std::memcpy(&value, places + from * simt::Grid::place_bytes, sizeof(T));
    return value;
}

/// The number at place `i` of a word that holds 32 / bits(T) of them.
template <class T>
float number_in(std::uint32_t word, unsigned i) {
    if constexpr (std::is_same_v<T, Bf16>) {
        return std::bit_cast<float>(i == 0 ? word << 16 : word & 0xFFFF0000);
    } else {
        return std::bit_cast<float>(word & ~std::uint32_t{0x1FFF});  // the rest is not looked at
    }
}

/// As Grid::meet(), for all 32 lanes of a warp.
template <class T>
const std::byte* meet(const T& own) {
    static_assert(sizeof(T) <= simt::Grid::place_bytes);
    simt::Grid& grid = simt::Grid::running();
    if (blockDim.x * blockDim.y * blockDim.z % simt::warp_lanes != 0) {
        grid.complain("a warp of fewer than 32 lanes cannot use tensor cores");
    }
    return grid.meet(&own, sizeof(T));
}

}  // namespace detail

/// Turns that load_matrices() took beyond the least, of all launches so far.
inline long bank_conflicts = 0;

template <class T>
void multiply_add(float (&sums)[4], const Fragment& a, std::uint32_t b0, std::uint32_t b1) {
    struct Operands {
        std::uint32_t a[4], b[2];
    };
    const Operands own{{a.words[0], a.words[1], a.words[2], a.words[3]}, {b0, b1}};
    const std::byte* places = detail::meet(own);
    const auto word = [&](unsigned lane, unsigned number) {
        return detail::brought<std::uint32_t>(places + number * sizeof(std::uint32_t), lane);
    };
    const unsigned lane = detail::running_lane();
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned row = lane / 4, column = 2 * (lane % 4) + i % 2;
        double sum = sums[i];
        for (unsigned half = 0; half < 2; ++half) {
            for (unsigned quarter = 0; quarter < 4; ++quarter) {
                // Lane 4 g + q has the q-th words of line g.
                const std::uint32_t left = word(4 * row + quarter, 2 * half + i / 2);
                const std::uint32_t right = word(4 * column + quarter, 4 + half);
                for (unsigned k = 0; k < 4 / sizeof(T); ++k) {
                    sum += double{detail::number_in<T>(left, k)} *
                           double{detail::number_in<T>(right, k)};
                }
            }
        }
        sums[i] = static_cast<float>(sum);
    }
}

namespace detail {

struct MatrixRow {
    std::uint64_t address;
    std::uint32_t words[4];
};

/// Eight rows of 16 bytes are read in one turn, if they touch each bank once.
inline void count_conflicts(const std::byte* places) {
    if (running_lane() != 0) return;
    for (unsigned first = 0; first < simt::warp_lanes; first += 8) {
        unsigned rows_at[8] = {}, most = 0;
        for (unsigned i = 0; i < 8; ++i) {
            const unsigned rows = ++rows_at[brought<MatrixRow>(places, first + i).address / 16 % 8];
            most = rows > most ? rows : most;
        }
        bank_conflicts += most - 1;
    }
}

/// Each lane reads its row at once, as the lanes of a GPU do together: what is written later does
/// not matter.
inline const std::byte* meet_with_row(const void* row) {
    MatrixRow own{reinterpret_cast<std::uintptr_t>(row), {}};
    if (own.address % 16 != 0) simt::Grid::running().complain(misaligned);
    std::memcpy(own.words, row, 16);
    const std::byte* places = detail::meet(own);
    count_conflicts(places);
    return places;
}

}  // namespace detail

inline Fragment load_matrices(const void* row) {
    const std::byte* places = detail::meet_with_row(row);
    const unsigned lane = detail::running_lane();
    Fragment fragment;
    for (unsigned i = 0; i < 4; ++i) {
        fragment.words[i] =
            detail::brought<detail::MatrixRow>(places, 8 * i + lane / 4).words[lane % 4];
    }
    return fragment;
}

inline Fragment load_matrices_transposed(const void* row) {
    const std::byte* places = detail::meet_with_row(row);
    const unsigned lane = detail::running_lane(), line = lane / 4;
    Fragment fragment;
    for (unsigned i = 0; i < 4; ++i) {
        std::uint32_t word = 0;
        for (unsigned k = 0; k < 2; ++k) {
            const unsigned from = 8 * i + 2 * (lane % 4) + k;
            const std::uint32_t pair =
                detail::brought<detail::MatrixRow>(places, from).words[line / 2];
            word |= (pair >> 16 * (line % 2) & 0xFFFF) << 16 * k;
        }
        fragment.words[i] = word;
    }
    return fragment;
}

template <int Bytes>
void begin_copy(void* to, const void* from, bool wanted) {
    static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16);
    simt::Grid& grid = simt::Grid::running();
    if (reinterpret_cast<std::uintptr_t>(to) % Bytes != 0 ||
        reinterpret_cast<std::uintptr_t>(from) % Bytes != 0) {
        grid.complain(detail::misaligned);
    }
    grid.copies().begin(to, from, Bytes, wanted);
}
inline void end_copies() { simt::Grid::running().copies().commit(); }

template <int Left>
void wait_for_copies() {
    simt::Grid::running().wait_for_copies(Left);
}

inline std::uint32_t rounded_to_tf32(std::uint32_t word) {
    const bool number = (word & 0x7F800000) != 0x7F800000;  // neither infinite nor NaN
    return number ? (word + 0x1000) & ~std::uint32_t{0x1FFF} : word;
}

}  // namespace tessera::cuda
