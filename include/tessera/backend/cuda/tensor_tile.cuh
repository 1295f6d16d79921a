// SPDX-License-Identifier: MIT
// One operand of a product on tensor cores, a step of the sum at a time: how a tile lies in shared
// memory, who brings which part of it, and how a warp takes its fragments out.
#pragma once

#include <type_traits>

#include "tessera/backend/cuda/mma.cuh"

namespace tessera::cuda {

/// `Lines` lines (rows of A or columns of B) x 64 bytes of k, as they lie in device memory: k
/// after k (`AlongK`) or line after line. Either way 8 rows that are read together touch each of
/// the 32 banks once:
///   - k after k: 64 bytes a line; the four pieces of 16 bytes change places by xor with line / 2,
///     so that piece c of 8 lines lies in 8 different columns of the 128 bytes all banks make;
///   - line after line: (Lines + 8) numbers a k, an odd number of 16 bytes for Bf16 and 8 banks
///     more than all 32 for float.
template <class T, int Lines, bool AlongK>
struct OperandTile {
    static constexpr int number = static_cast<int>(sizeof(T));
    static constexpr int depth = 64 / number;  ///< k of a step
    static constexpr int pitch = Lines + 8;
    static constexpr int bytes = AlongK ? Lines * 64 : depth * pitch * number;
    static_assert(Lines % 32 == 0);

    /// Where (line, k) lies.
    __device__ static int place(int line, int k) {
        if constexpr (AlongK) {
            const int piece = k * number / 16;
            return line * 64 + (piece ^ (line / 2 % 4)) * 16 + k * number % 16;
        } else {
            return (k * pitch + line) * number;
        }
    }

    /// Lines `line` .. line + 15, a multiple of 16, and the lower or upper half of the step.
    __device__ static Fragment fragment(const std::byte* tile, int line, int half) {
        const int lane = static_cast<int>(threadIdx.x % lanes);
        Fragment found;
        if constexpr (AlongK) {
            found =
                load_matrices(tile + place(line + lane % 16, (2 * half + lane / 16) * 16 / number));
        } else if constexpr (number == 2) {
            found = load_matrices_transposed(
                tile + place(line + lane / 8 % 2 * 8, half * 16 + lane % 8 + lane / 16 * 8));
        } else {
            for (int i = 0; i < 4; ++i) {
                const int from =
                    place(line + lane / 4 + i % 2 * 8, half * 8 + lane % 4 + i / 2 * 4);
                found.words[i] = *reinterpret_cast<const std::uint32_t*>(tile + from);
            }
        }
        if constexpr (number == 4) {
            for (std::uint32_t& word : found.words) word = rounded_to_tf32(word);
        }
        return found;
    }
};

/// What one of `Threads` threads brings of each step of such a tile: `Width` numbers at a time,
/// neighbouring lanes from neighbouring memory. Addresses of lines are found once, in begin().
/// They are copied while the warp goes on.
template <class T, class Matrix, int Lines, int Width, int Threads>
struct TileBringer {
    static constexpr bool along_k = Matrix::along_k;
    using Tile = OperandTile<T, Lines, along_k>;
    static constexpr int bytes = Width * static_cast<int>(sizeof(T));
    static constexpr int units = (along_k ? Tile::depth : Lines) / Width;  ///< in a row of memory
    static constexpr int count = Lines * Tile::depth / Width / Threads;
    static_assert(count * Threads * Width == Lines * Tile::depth && bytes >= 4);

    using Line = typename Matrix::Line;
    /// Copies of a thread whose lines differ. More than 4 would take too many registers: then all
    /// lines of the tile are kept in shared memory.
    static constexpr int line_count = !along_k && Threads % units == 0 ? 1 : count;
    static constexpr bool in_table = line_count > 4;
    struct Table {
        Line lines[in_table ? Lines : 1];
    };

    Line lines[in_table ? 1 : line_count];
    int first, lines_left;

    __device__ static int unit_of(int i) {
        return (static_cast<int>(threadIdx.x) + i * Threads) % units * Width;
    }
    __device__ static int row_of(int i) {
        return (static_cast<int>(threadIdx.x) + i * Threads) / units;
    }
    __device__ static int line_of(int i) { return along_k ? row_of(i) : unit_of(i); }
    __device__ static int k_of(int i) { return along_k ? unit_of(i) : row_of(i); }

    /// Lines from `first_line` on, of `line_number` in all. With a table, a barrier must follow.
    __device__ void begin(const Matrix& matrix, int first_line, int line_number, Table& table) {
        first = first_line;
        lines_left = line_number - first_line;
        if constexpr (in_table) {
            for (int i = static_cast<int>(threadIdx.x); i < Lines; i += Threads) {
                table.lines[i] = matrix.line(i < lines_left ? first + i : first);
            }
        } else {
            for (int i = 0; i < line_count; ++i) {
                lines[i] = matrix.line(line_of(i) < lines_left ? first + line_of(i) : first);
            }
        }
    }

    /// Brings steps k.. into `tile`, of which those from `end` on are nought.
    __device__ void bring(const Matrix& matrix, int k, int end, std::byte* tile,
                          const Table& table) const {
        TESSERA_UNROLLED
        for (int i = 0; i < count; ++i) {
            const T* from = find(matrix, i, k, end, table);
            begin_copy<bytes>(tile + Tile::place(line_of(i), k_of(i)), from ? from : matrix.data,
                              from != nullptr);
        }
    }

private:
    __device__ const T* find(const Matrix& matrix, int i, int k, int end,
                             const Table& table) const {
        if (line_of(i) >= lines_left || k + k_of(i) >= end) return nullptr;
        if constexpr (in_table) {
            return matrix.find(table.lines[line_of(i)], matrix.step(k + k_of(i)));
        } else {
            return matrix.find(lines[line_count == 1 ? 0 : i], matrix.step(k + k_of(i)));
        }
    }
};

}  // namespace tessera::cuda
