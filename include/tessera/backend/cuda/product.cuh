// SPDX-License-Identifier: MIT
// Matrix products on CUDA cores, in float or double, for every architecture (numbers in bfloat16
// are multiplied as floats):
//   C(row, column) = sum over k of A(row, k) B(k, column).
//
// A and B are functors, so that a convolution multiplies patches nobody has written down. A block
// makes a tile of 64 x 64 in steps of 16 along k; each of its 256 threads keeps 4 x 4 sums in
// registers and reads 8 numbers from shared memory for 16 multiplications. The next step's numbers
// are on their way from device memory meanwhile. Where the tiles are too few to fill a GPU, k is
// cut into slices whose partial sums are added afterwards, in order: the same bits every time, on
// every GPU.
#pragma once

#include <algorithm>

#include "tessera/backend/cuda/product_parts.cuh"

namespace tessera::cuda {

namespace detail {

inline constexpr int product_tile = 64;
inline constexpr int product_step = 16;
/// Rows of a tile in shared memory are whole 16 bytes apart, but not a multiple of all banks.
inline constexpr int product_pitch = product_tile + 4;

/// What one of 256 threads brings of a tile of 64 lines x 16 k: four numbers, such that
/// neighbouring lanes read neighbours in memory.
template <class T, class Matrix>
struct Bringer {
    static constexpr bool along_k = Matrix::along_k;
    static constexpr int own = product_tile * product_step / 256;
    static constexpr int own_lines = along_k ? own : 1;

    typename Matrix::Line lines[own_lines];
    bool inside[own_lines];
    T values[own];

    __device__ static int line_of(int i) {
        const int thread = static_cast<int>(threadIdx.x);
        return along_k ? thread / product_step + i * (256 / product_step) : thread % product_tile;
    }
    __device__ static int k_of(int i) {
        const int thread = static_cast<int>(threadIdx.x);
        return along_k ? thread % product_step : thread / product_tile + i * (256 / product_tile);
    }

    template <class Stored>
    __device__ static T at(const Stored* place) {
        return place ? widened(*place) : T{0};
    }
    __device__ void begin(const Matrix& matrix, int first, int count) {
        for (int i = 0; i < own_lines; ++i) {
            inside[i] = first + line_of(i) < count;
            lines[i] = matrix.line(inside[i] ? first + line_of(i) : 0);
        }
    }
    /// Fetches steps k.. of the sum, of which those from `end` on are nought.
    __device__ void fetch(const Matrix& matrix, int k, int end) {
        if constexpr (along_k) {
            const bool in_sum = k + k_of(0) < end;
            const typename Matrix::Step step = matrix.step(in_sum ? k + k_of(0) : 0);
            for (int i = 0; i < own; ++i) {
                values[i] = in_sum && inside[i] ? at(matrix.find(lines[i], step)) : T{0};
            }
        } else {
            for (int i = 0; i < own; ++i) {
                const bool needed = inside[0] && k + k_of(i) < end;
                values[i] = needed ? at(matrix.find(lines[0], matrix.step(k + k_of(i)))) : T{0};
            }
        }
    }
    __device__ void put(T (&tile)[product_step][product_pitch]) const {
        for (int i = 0; i < own; ++i) tile[k_of(i)][line_of(i)] = values[i];
    }
};

}  // namespace detail

// ---- kernels ----

/// Blocks: (tiles of rows, tiles of columns, groups * slices).
template <class T, class A, class B, class Store = SumStore<T>>
struct Product {
    static constexpr int threads = 256;
    static constexpr int tile = detail::product_tile, step = detail::product_step;
    static constexpr int own = 4;  ///< rows and columns of a thread

    /// Twice: a step is written while another thread may still read the one before.
    struct alignas(32) Shared {
        T a[2][step][detail::product_pitch];
        T b[2][step][detail::product_pitch];
    };

    ProductExtents extents;
    int slices;
    int slice_depth;  ///< a multiple of `step`
    A a;
    B b;
    Store store;
    T* partials;  ///< (slices, groups, rows, columns), where there is more than one slice

    __device__ void operator()() const {
        Shared& shared = shared_memory<Shared>();
        const int group = static_cast<int>(blockIdx.z) / slices;
        const int slice = static_cast<int>(blockIdx.z) % slices;
        const int first_row = static_cast<int>(blockIdx.x) * tile;
        const int first_column = static_cast<int>(blockIdx.y) * tile;
        const int begin = slice * slice_depth;
        const int end = extents.depth - begin < slice_depth ? extents.depth : begin + slice_depth;
        const int row = static_cast<int>(threadIdx.x) / (tile / own) * own;
        const int column = static_cast<int>(threadIdx.x) % (tile / own) * own;

        A matrix_a = a;
        B matrix_b = b;
        matrix_a.enter(group);
        matrix_b.enter(group);
        detail::Bringer<T, A> rows;
        detail::Bringer<T, B> columns;
        rows.begin(matrix_a, first_row, extents.rows);
        columns.begin(matrix_b, first_column, extents.columns);

        T sums[own][own] = {};
        rows.fetch(matrix_a, begin, end);
        columns.fetch(matrix_b, begin, end);
        int turn = 0;
        for (int k = begin; k < end; k += step, turn ^= 1) {
            rows.put(shared.a[turn]);
            columns.put(shared.b[turn]);
            __syncthreads();
            if (k + step < end) {
                rows.fetch(matrix_a, k + step, end);
                columns.fetch(matrix_b, k + step, end);
            }
            for (int i = 0; i < step; ++i) {
                const Pack<T, own> left = load<own>(&shared.a[turn][i][row]);
                const Pack<T, own> right = load<own>(&shared.b[turn][i][column]);
                for (int r = 0; r < own; ++r) {
                    for (int c = 0; c < own; ++c) sums[r][c] += left[r] * right[c];
                }
            }
        }
        for (int r = 0; r < own; ++r) {
            for (int c = 0; c < own; ++c) {
                const int y = first_row + row + r, x = first_column + column + c;
                if (y >= extents.rows || x >= extents.columns) continue;
                if (slices == 1) {
                    store(group, y, x, Pack<T, 1>{{sums[r][c]}});
                } else {
                    const Index line = (Index{slice} * extents.groups + group) * extents.rows + y;
                    partials[line * extents.columns + x] = sums[r][c];
                }
            }
        }
    }
};

// ---- launchers ----

/// Slices of the sums: as many as give some 512 blocks (two or three for each multiprocessor of a
/// large GPU), none shorter than 128. The same on every GPU, so that results are.
inline int product_slices(const ProductExtents& extents) {
    constexpr Index wanted = 512, shortest = 128, most = 128, tile = detail::product_tile;
    const Index tiles =
        (extents.rows + tile - 1) / tile * ((extents.columns + tile - 1) / tile) * extents.groups;
    if (tiles == 0) return 1;
    const Index slices = std::min({wanted / tiles, extents.depth / shortest, most});
    return static_cast<int>(std::max<Index>(slices, 1));
}

/// Working memory of multiply(): at most 512 tiles.
template <class T>
std::size_t product_scratch(const ProductExtents& extents) {
    const int slices = product_slices(extents);
    if (slices == 1) return 0;
    const Index count = Index{extents.groups} * extents.rows * extents.columns;
    return static_cast<std::size_t>(slices * count) * sizeof(T);
}

/// C = A B for each group, into `store`. `scratch` has product_scratch() bytes. Throws Error when
/// the launch fails.
template <class T, class Out, class A, class B>
void multiply(const char* name, const ProductExtents& extents, const A& a, const B& b,
              const SumStore<T, Out>& store, const Scratch& scratch) {
    const Index count = Index{extents.groups} * extents.rows * extents.columns;
    if (count == 0) return;
    constexpr int step = detail::product_step;
    const int wanted = product_slices(extents);
    const int steps = (extents.depth + step - 1) / step;
    const int slice_depth = std::max(1, (steps + wanted - 1) / wanted) * step;
    // Rounding up may leave nothing for the last ones.
    const int slices = std::max(1, (extents.depth + slice_depth - 1) / slice_depth);
    T* partials = reinterpret_cast<T*>(scratch.data);
    const dim3 blocks(blocks_for(extents.rows, detail::product_tile),
                      blocks_for(extents.columns, detail::product_tile),
                      static_cast<unsigned>(extents.groups * slices));
    launch(name, blocks, Product<T, A, B>::threads,
           Product<T, A, B, SumStore<T, Out>>{extents, slices, slice_depth, a, b, store, partials});
    if (slices == 1) return;
    launch(name, blocks_for(count), default_threads,
           PartialSums<T, Out>{extents, slices, partials, store});
}

}  // namespace tessera::cuda
