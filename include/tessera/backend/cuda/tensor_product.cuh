// SPDX-License-Identifier: MIT
// Matrix products on tensor cores, for operands in Bf16, or in float by TF32 (operands rounded to
// 10 bits of fraction), with sums in float:
//   C(row, column) = sum over k of A(row, k) B(k, column).
#pragma once

#include <algorithm>

#include "tessera/backend/cuda/product_parts.cuh"
#include "tessera/backend/cuda/tensor_store.cuh"
#include "tessera/backend/cuda/tensor_tile.cuh"

namespace tessera::cuda {

/// How a product is done: columns of a block (128, 96 or 64), and how many numbers of each operand
/// are neighbours in memory for sure and begin at a multiple of their size.
template <int Columns, int WidthA, int WidthB>
struct TensorForm {
    static constexpr int columns = Columns, width_a = WidthA, width_b = WidthB;
};

/// Blocks that are wanted where k is cut into slices: two rounds of the largest GPU with two blocks
/// on each of its 132 multiprocessors.
inline constexpr int tensor_blocks = 528;

// ---- kernels ----

// A block of 4 warps makes 128 rows x `columns` columns, a warp 64 x columns / 2. Steps of 64 bytes
// along k (32 Bf16 or 16 float) go through a ring of 4 places in shared memory: while one is
// multiplied, three are on their way. Warps as large as registers allow, because shared memory
// limits: for 64 x 64 x 32 a warp reads 8 KB, 64 turns of the banks, for 64 instructions of the
// tensor cores that take 4 turns each at best; with 8 warps of 64 x 32 a block would read half as
// much again. Two blocks share a multiprocessor, one multiplies while the other waits.
//
// As in product.cuh, k is cut into slices where tiles are few, and their sums are added in order.

/// Blocks: (tiles, groups * slices), the tiles of neighbouring columns next to each other, so that
/// they find the same rows of A in the L2 cache.
template <class T, class A, class B, class Out, class Form>
struct TensorProduct {
    static constexpr int threads = 128;
    static constexpr int rows = 128, columns = Form::columns;
    static constexpr int stages = 4;
    static constexpr int wanted_blocks = tensor_blocks;
    static constexpr int warp_rows = 64, warp_columns = columns / 2;
    static constexpr int row_parts = warp_rows / 16, column_parts = warp_columns / 16;
    static_assert(warp_columns % 16 == 0);

    using RowBringer = TileBringer<T, A, rows, Form::width_a, threads>;
    using ColumnBringer = TileBringer<T, B, columns, Form::width_b, threads>;
    using RowTile = typename RowBringer::Tile;
    using ColumnTile = typename ColumnBringer::Tile;
    static constexpr int step = RowTile::depth;

    struct alignas(128) Shared {
        std::byte a[stages][RowTile::bytes];
        std::byte b[stages][ColumnTile::bytes];
        typename RowBringer::Table rows;
        typename ColumnBringer::Table columns;
    };

    ProductExtents extents;
    int slices;
    int slice_depth;  ///< a multiple of `step`
    int column_tiles;
    A a;
    B b;
    SumStore<float, Out> store;
    float* partials;  ///< (slices, groups, rows, columns), where there is more than one slice

    __device__ void operator()() const {
        Shared& shared = shared_memory<Shared>();
        const int group = static_cast<int>(blockIdx.y) / slices;
        const int slice = static_cast<int>(blockIdx.y) % slices;
        const int first_row = static_cast<int>(blockIdx.x) / column_tiles * rows;
        const int first_column = static_cast<int>(blockIdx.x) % column_tiles * columns;
        const int begin = slice * slice_depth;
        const int end = extents.depth - begin < slice_depth ? extents.depth : begin + slice_depth;

        A matrix_a = a;
        B matrix_b = b;
        matrix_a.enter(group);
        matrix_b.enter(group);
        RowBringer row_bringer;
        ColumnBringer column_bringer;
        row_bringer.begin(matrix_a, first_row, extents.rows, shared.rows);
        column_bringer.begin(matrix_b, first_column, extents.columns, shared.columns);
        if constexpr (RowBringer::in_table || ColumnBringer::in_table) __syncthreads();

        // One group of copies a step, empty at the end, so that waiting for all but the last two
        // is waiting for the step at hand.
        const auto bring = [&](int stage, int k) {
            if (k < end) {
                row_bringer.bring(matrix_a, k, end, shared.a[stage], shared.rows);
                column_bringer.bring(matrix_b, k, end, shared.b[stage], shared.columns);
            }
            end_copies();
        };
        for (int i = 0; i < stages - 1; ++i) bring(i, begin + i * step);

        Sums sums = {};
        int stage = 0;
        for (int k = begin; k < end; k += step) {
            wait_for_copies<stages - 2>();
            // All have what they wait for, and all are done with the step before, whose place the
            // next copies take.
            __syncthreads();
            bring(stage == 0 ? stages - 1 : stage - 1, k + (stages - 1) * step);
            multiply_step(shared.a[stage], shared.b[stage], sums);
            stage = stage == stages - 1 ? 0 : stage + 1;
        }

        if (slices == 1) {
            store_sums(sums, group, first_row, first_column, store);
        } else {
            const SumStore<float> partial{
                .to = partials + Index{slice} * extents.groups * extents.rows * extents.columns,
                .row_stride = extents.columns,
                .group_stride = Index{extents.rows} * extents.columns};
            store_sums(sums, group, first_row, first_column, partial);
        }
    }

private:
    /// Of 16 x 8 each.
    using Sums = float[row_parts][2 * column_parts][4];

    /// The running warp's corner of the tile.
    __device__ static int warp_row() { return static_cast<int>(threadIdx.x) / 64 * warp_rows; }
    __device__ static int warp_column() {
        return static_cast<int>(threadIdx.x) / 32 % 2 * warp_columns;
    }

    __device__ static void multiply_step(const std::byte* a_tile, const std::byte* b_tile,
                                         Sums& sums) {
        TESSERA_UNROLLED
        for (int half = 0; half < 2; ++half) {
            Fragment left[row_parts], right[column_parts];
            TESSERA_UNROLLED
            for (int i = 0; i < row_parts; ++i) {
                left[i] = RowTile::fragment(a_tile, warp_row() + 16 * i, half);
            }
            TESSERA_UNROLLED
            for (int j = 0; j < column_parts; ++j) {
                right[j] = ColumnTile::fragment(b_tile, warp_column() + 16 * j, half);
            }
            TESSERA_UNROLLED
            for (int part = 0; part < row_parts * 2 * column_parts; ++part) {
                const int i = part / (2 * column_parts), j = part % (2 * column_parts);
                multiply_add<T>(sums[i][j], left[i], right[j / 2].words[j % 2],
                                right[j / 2].words[2 + j % 2]);
            }
        }
    }

    template <class Store>
    __device__ void store_sums(const Sums& sums, int group, int first_row, int first_column,
                               const Store& to) const {
        const int row = first_row + warp_row() + static_cast<int>(threadIdx.x % lanes) / 4;
        const int column = first_column + warp_column();
        TESSERA_UNROLLED
        for (int part = 0; part < 2 * row_parts * column_parts; ++part) {
            const int i = part / column_parts, j = part % column_parts, at = i % 2 * 2;
            const float(&low)[4] = sums[i / 2][2 * j];
            const float(&high)[4] = sums[i / 2][2 * j + 1];
            store_pieces<Form::width_b == 1 ? 1 : 2>(to, extents, group, row + 8 * i,
                                                     column + 16 * j, {{low[at], low[at + 1]}},
                                                     {{high[at], high[at + 1]}});
        }
    }
};

// ---- launchers ----

/// The width of a tile that leaves the fewest columns idle; of equals the largest.
constexpr int tensor_columns(int columns) {
    int best = 128;
    for (const int tile : {96, 64}) {
        const auto covered = [&](int width) { return (columns + width - 1) / width * width; };
        if (covered(tile) < covered(best)) best = tile;
    }
    return best;
}

/// Slices as in product_slices(), of tiles of `tile_rows` x `tile_columns`: for so many blocks,
/// none shorter than 512.
inline int tensor_slices(const ProductExtents& extents, int tile_rows, int tile_columns,
                         Index wanted_blocks) {
    constexpr Index shortest = 512;
    const Index tiles = (extents.rows + Index{tile_rows - 1}) / tile_rows *
                        ((extents.columns + tile_columns - 1) / tile_columns) * extents.groups;
    if (tiles == 0) return 1;
    return static_cast<int>(
        std::max<Index>(1, std::min<Index>(wanted_blocks / tiles, extents.depth / shortest)));
}

/// Working memory for the sums of so many slices.
inline std::size_t slice_bytes(const ProductExtents& extents, int slices) {
    if (slices == 1) return 0;
    return static_cast<std::size_t>(Index{slices} * extents.groups * extents.rows *
                                    extents.columns) *
           sizeof(float);
}

/// Working memory of multiply_on_tensor_cores().
inline std::size_t tensor_scratch(const ProductExtents& extents) {
    // The narrowest tile has the fewest slices, so any bound holds for it that holds for the
    // widest.
    return slice_bytes(extents, tensor_slices(extents, 128, 128, tensor_blocks));
}

namespace detail {
/// Runs a kernel of the form of TensorProduct.
template <class Kernel, class A, class B, class Out>
void multiply_in_tiles(const char* name, const ProductExtents& extents, const A& a, const B& b,
                       const SumStore<float, Out>& store, float* partials) {
    const Index count = Index{extents.groups} * extents.rows * extents.columns;
    if (count == 0) return;
    const int wanted = tensor_slices(extents, Kernel::rows, Kernel::columns, Kernel::wanted_blocks);
    const int steps = (extents.depth + Kernel::step - 1) / Kernel::step;
    const int slice_depth = std::max(1, (steps + wanted - 1) / wanted) * Kernel::step;
    const int slices = std::max(1, (extents.depth + slice_depth - 1) / slice_depth);
    const unsigned column_tiles = blocks_for(extents.columns, Kernel::columns);
    launch(name,
           dim3(blocks_for(extents.rows, Kernel::rows) * column_tiles,
                static_cast<unsigned>(extents.groups * slices)),
           Kernel::threads,
           Kernel{extents, slices, slice_depth, static_cast<int>(column_tiles), a, b, store,
                  partials});
    if (slices == 1) return;
    launch(name, blocks_for(count), default_threads,
           PartialSums<float, Out>{extents, slices, partials, store});
}
}  // namespace detail

/// C = A B for each group, into `store`, whose rows are whole packs where `WidthB` is not 1.
/// `partials` has tensor_scratch() bytes. Throws Error when the launch fails.
///
/// The tile is the one that suits the columns; where not both operands are copied as 16 bytes there
/// are fewer to choose from, to compile less.
template <class T, int WidthA, int WidthB, class A, class B, class Out>
void multiply_on_tensor_cores(const char* name, const ProductExtents& extents, const A& a,
                              const B& b, const SumStore<float, Out>& store, float* partials) {
    const int columns = tensor_columns(extents.columns);
    const auto run = [&]<int Columns>(Position<Columns>) {
        using Form = TensorForm<Columns, WidthA, WidthB>;
        detail::multiply_in_tiles<TensorProduct<T, A, B, Out, Form>>(name, extents, a, b, store,
                                                                     partials);
    };
    if constexpr (WidthB > 1) {
        if (columns == 96) return run(Position<96>{});
        if constexpr (WidthA == WidthB) {
            if (columns == 128) return run(Position<128>{});
        }
    }
    run(Position<64>{});
}

/// Products by the instructions of a warp, for TensorConvBy.
struct WarpProducts {
    static std::size_t scratch(const ProductExtents& extents) { return tensor_scratch(extents); }

    template <class T, int WidthA, int WidthB, class A, class B, class Out>
    static void multiply(const char* name, const ProductExtents& extents, const A& a, const B& b,
                         const SumStore<float, Out>& store, float* partials) {
        multiply_on_tensor_cores<T, WidthA, WidthB>(name, extents, a, b, store, partials);
    }
};

}  // namespace tessera::cuda
