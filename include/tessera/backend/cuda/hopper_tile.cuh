// SPDX-License-Identifier: MIT
// One operand of a product by warpgroups, a step of the sum at a time: how a tile lies in shared
// memory, who brings which part of it, and how tensor cores are told where it lies.
#pragma once

#include "tessera/backend/cuda/wgmma.cuh"

namespace tessera::cuda {

/// `Lines` lines (rows of A or columns of B) x 64 k of Bf16, in rows of 128 bytes as they lie in
/// device memory: a line's 64 k (`AlongK`), or a k's 64 lines, in panels of 64 lines. The 16-byte
/// pieces of a row change places by xor with the row's number mod 8, so that 8 rows, which tensor
/// cores read together, touch each bank once. A tile begins at a multiple of 1024 bytes.
template <int Lines, bool AlongK>
struct HopperTile {
    static constexpr int depth = 64;  ///< k of a step
    static constexpr int row_bytes = 128, row_pieces = 8;
    static constexpr int rows = Lines;  ///< of all panels
    static constexpr int bytes = rows * row_bytes;
    static_assert(Lines % 64 == 0);

    /// Where a piece of 8 numbers lies.
    __device__ static int place(int row, int piece) {
        return row * row_bytes + (piece ^ row % 8) * 16;
    }

    /// The whole tile, from its first k on.
    __device__ static std::uint64_t descriptor(const std::byte* tile) {
        constexpr unsigned eight_rows = 8 * row_bytes, panel = 64 * row_bytes;
        return matrix_descriptor(shared_address(tile), AlongK ? 16 : panel, eight_rows);
    }
    /// How far it is to line `line`, a multiple of 64, and to k 16 * `part`.
    __device__ static unsigned offset(int line, int part) {
        return static_cast<unsigned>(line * row_bytes + part * (AlongK ? 32 : 16 * row_bytes));
    }
};

/// What one of `Threads` threads brings of each step of such a tile, 16 bytes at a time: eight
/// threads a row. Addresses of lines are found once, in begin().
template <class Matrix, int Lines, int Threads>
struct HopperBringer {
    static constexpr bool along_k = Matrix::along_k;
    using Tile = HopperTile<Lines, along_k>;
    using Line = typename Matrix::Line;

    static constexpr int rows_at_once = Threads / Tile::row_pieces;
    static constexpr int count = Tile::rows / rows_at_once;  ///< copies of a thread in a step
    static constexpr int panel_count = 64 / rows_at_once;    ///< of them within 64 rows
    static constexpr int line_count = along_k ? count : count / panel_count;
    static_assert(Tile::rows % rows_at_once == 0 && 64 % rows_at_once == 0);

    Line lines[line_count];

    __device__ static int piece() { return static_cast<int>(threadIdx.x) % Tile::row_pieces; }
    __device__ static int row_of(int i) {
        return static_cast<int>(threadIdx.x) / Tile::row_pieces + i * rows_at_once;
    }
    __device__ static int line_of(int i) {
        return along_k ? row_of(i) : i / panel_count * 64 + piece() * 8;
    }
    __device__ static int k_of(int i) { return along_k ? piece() * 8 : row_of(i % panel_count); }

    /// Lines from `first` on, of `line_number` in all. In place of those beyond, whose sums nobody
    /// stores, the first is brought.
    __device__ void begin(const Matrix& matrix, int first, int line_number) {
        TESSERA_UNROLLED
        for (int i = 0; i < line_count; ++i) {
            const int line = first + line_of(along_k ? i : i * panel_count);
            lines[i] = matrix.line(line < line_number ? line : first);
        }
    }

    /// Brings steps k.. into `tile`, of which those from `end` on are nought.
    __device__ void bring(const Matrix& matrix, int k, int end, std::byte* tile) const {
        TESSERA_UNROLLED
        for (int i = 0; i < count; ++i) {
            const int at = k + k_of(i);
            const auto step = matrix.step(at);
            const Line& line = lines[along_k ? i : i / panel_count];
            begin_copy<16>(tile + Tile::place(row_of(i), piece()), matrix.place(line, step),
                           at < end && matrix.holds(line, step));
        }
    }
};

}  // namespace tessera::cuda
