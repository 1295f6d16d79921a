// SPDX-License-Identifier: MIT
// Matrix products by warpgroups (wgmma.cuh), for operands in Bf16 with sums in float:
//   C(row, column) = sum over k of A(row, k) B(k, column).
#pragma once

#include "tessera/backend/cuda/hopper_tile.cuh"
#include "tessera/backend/cuda/tensor_product.cuh"

namespace tessera::cuda {

/// The width of a tile that leaves the fewest columns idle; of equals the largest.
constexpr int hopper_columns(int columns) {
    int best = 192;
    for (const int tile : {128, 64}) {
        const auto covered = [&](int width) { return (columns + width - 1) / width * width; };
        if (covered(tile) < covered(best)) best = tile;
    }
    return best;
}
/// How many rows a tile of any width has.
inline constexpr int hopper_rows = 256;

/// Blocks that are wanted where k is cut into slices: two rounds of 132 multiprocessors, one on
/// each.
inline constexpr int hopper_blocks = 264;

// ---- kernel ----

// Tensor cores read both operands out of shared memory, A once and B once for every 64 rows, and
// both come out of the L2 cache once a block, so that a block is as large as registers allow: 2
// warpgroups make 256 x 192 sums, 192 a thread, or 128 or 64 columns. Steps of 64 along k go
// through a ring of 4 or 5 places in shared memory. While tensor cores multiply one step the
// threads send for another, and the next product is under way before the last one is waited for.

/// Blocks: (tiles, groups * slices), as those of TensorProduct, and members like its.
template <class A, class B, class Out, int Columns>
struct HopperProduct {
    static constexpr int threads = 256, warpgroup = 128;
    static constexpr int columns = Columns;
    static constexpr int rows = hopper_rows;
    static constexpr int group_rows = rows / (threads / warpgroup);
    static constexpr int parts = group_rows / 64;
    static constexpr int wanted_blocks = hopper_blocks;

    using RowBringer = HopperBringer<A, rows, threads>;
    using ColumnBringer = HopperBringer<B, columns, threads>;
    using RowTile = typename RowBringer::Tile;
    using ColumnTile = typename ColumnBringer::Tile;
    static constexpr int step = RowTile::depth;
    static constexpr int stages = 227 * 1024 / (RowTile::bytes + ColumnTile::bytes);
    static constexpr int ahead = stages - 2;  ///< steps that are sent for before they are needed
    static_assert(ahead > 0);

    struct alignas(128) Shared {
        std::byte a[stages][RowTile::bytes];
        std::byte b[stages][ColumnTile::bytes];
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
        if constexpr (detail::compiles_wgmma) multiply();
    }

private:
    using Sums = float[parts][columns / 2];

    __device__ void multiply() const {
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
        row_bringer.begin(matrix_a, first_row, extents.rows);
        column_bringer.begin(matrix_b, first_column, extents.columns);

        // One group of copies a step, empty at the end, so that waiting for all but the last is
        // waiting for the step at hand.
        const auto bring = [&](int stage, int k) {
            if (k < end) {
                row_bringer.bring(matrix_a, k, end, shared.a[stage]);
                column_bringer.bring(matrix_b, k, end, shared.b[stage]);
            }
            end_copies();
        };
        for (int i = 0; i < ahead; ++i) bring(i, begin + i * step);

        Sums sums = {};
        int stage = 0;
        for (int k = begin; k < end; k += step) {
            wait_for_copies<ahead - 1>();
            fence_copies();
            // All have what they wait for, and have waited for the product before the last, whose
            // place the next copies take.
            __syncthreads();
            multiply_step(shared.a[stage], shared.b[stage], sums);
            bring(stage < 2 ? stage + ahead : stage - 2, k + ahead * step);
            wait_for_products<1>();
            stage = stage == stages - 1 ? 0 : stage + 1;
        }
        wait_for_products<0>();

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

    __device__ static int first_row_of_warpgroup() {
        return static_cast<int>(threadIdx.x) / warpgroup * group_rows;
    }

    __device__ static void multiply_step(const std::byte* a_tile, const std::byte* b_tile,
                                         Sums& sums) {
        const std::uint64_t left =
            advanced(RowTile::descriptor(a_tile), RowTile::offset(first_row_of_warpgroup(), 0));
        const std::uint64_t right = ColumnTile::descriptor(b_tile);
        fence_sums();
        TESSERA_UNROLLED
        for (int k = 0; k < step / 16; ++k) {
            TESSERA_UNROLLED
            for (int part = 0; part < parts; ++part) {
                multiply_matrices<A::along_k, B::along_k>(
                    sums[part], advanced(left, RowTile::offset(64 * part, k)),
                    advanced(right, ColumnTile::offset(0, k)));
            }
        }
        end_products();
    }

    template <class Store>
    __device__ void store_sums(Sums& sums, int group, int first_row, int first_column,
                               const Store& to) const {
        const int thread = static_cast<int>(threadIdx.x) % warpgroup;
        const int row = first_row + first_row_of_warpgroup() + thread / 32 * 16 + thread % 32 / 4;
        TESSERA_UNROLLED
        for (int part = 0; part < parts; ++part) {
            take_sums(sums[part]);
            TESSERA_UNROLLED
            for (int i = 0; i < columns / 8; ++i) {
                const float* found = sums[part] + i / 2 * 8 + i % 2 * 2;
                store_pieces<2>(to, extents, group, row + 64 * part + i % 2 * 8,
                                first_column + i / 2 * 16, {{found[0], found[1]}},
                                {{found[4], found[5]}});
            }
        }
    }
};

// ---- launchers ----

/// Products by warpgroups where both operands are Bf16 and copied as 16 bytes, all others as
/// multiply_on_tensor_cores() does them.
struct WarpgroupProducts {
    static std::size_t scratch(const ProductExtents& extents) {
        const int slices =
            tensor_slices(extents, hopper_rows, hopper_columns(extents.columns), hopper_blocks);
        return std::max(tensor_scratch(extents), slice_bytes(extents, slices));
    }

    /// As multiply_on_tensor_cores(), in scratch() bytes. Throws Error where the GPU or the program
    /// has no wgmma.
    template <class T, int WidthA, int WidthB, class A, class B, class Out>
    static void multiply(const char* name, const ProductExtents& extents, const A& a, const B& b,
                         const SumStore<float, Out>& store, float* partials) {
        constexpr int whole = pack_width<T>;
        if constexpr (std::is_same_v<T, Bf16> && WidthA == whole && WidthB == whole) {
            require(has_wgmma(), name, ": the GPU at hand and the program must both have wgmma: ",
                    "compute capability 9.0, built with CMAKE_CUDA_ARCHITECTURES 90a, or nvcc ",
                    "-gencode arch=compute_90a,code=sm_90a");
            const auto run = [&]<int Columns>(Position<Columns>) {
                detail::multiply_in_tiles<HopperProduct<A, B, Out, Columns>>(name, extents, a, b,
                                                                             store, partials);
            };
            const int columns = hopper_columns(extents.columns);
            if (columns == 192) return run(Position<192>{});
            if (columns == 128) return run(Position<128>{});
            run(Position<64>{});
        } else {
            multiply_on_tensor_cores<T, WidthA, WidthB>(name, extents, a, b, store, partials);
        }
    }
};

}  // namespace tessera::cuda
