// SPDX-License-Identifier: MIT
// Sums over the rows of a matrix: the gradient of a bias. Two launches of one kernel, in a fixed
// order; reads each number once.
#pragma once

#include <algorithm>

#include "tessera/backend/cuda/bfloat16.cuh"
#include "tessera/backend/geometry.hpp"

namespace tessera::cuda {

/// Blocks: (columns / 32, slices of the rows). Each warp of a block adds every eighth row of the
/// slice; then the first adds the eight sums.
template <class T, class Source = T>
struct ColumnSums {
    static constexpr int threads = 256;
    static constexpr int warps = threads / static_cast<int>(lanes);
    struct Shared {
        T sums[warps][lanes];
    };

    Index rows;
    Index slice_rows;
    int columns;
    const Source* from;  ///< (rows, columns)
    T* to;               ///< (slices, columns)
    bool accumulate;

    __device__ void operator()() const {
        Shared& shared = shared_memory<Shared>();
        const int lane = static_cast<int>(threadIdx.x % lanes);
        const int warp = static_cast<int>(threadIdx.x / lanes);
        const int column = static_cast<int>(blockIdx.x * lanes) + lane;
        const Index begin = blockIdx.y * slice_rows;
        const Index end = rows - begin < slice_rows ? rows : begin + slice_rows;
        T sum = 0;
        if (column < columns) {
            for (Index row = begin + warp; row < end; row += warps) {
                sum += widened(from[row * columns + column]);
            }
        }
        shared.sums[warp][lane] = sum;
        __syncthreads();
        if (warp > 0 || column >= columns) return;
        for (int i = 1; i < warps; ++i) sum += shared.sums[i][lane];
        T& place = to[Index{blockIdx.y} * columns + column];
        place = accumulate ? place + sum : sum;
    }
};

/// Rows of a slice: 256, or as many as leave no more than 512 slices.
constexpr Index column_sum_slice(Index rows) { return std::max<Index>(256, (rows + 511) / 512); }

/// Working memory of add_column_sums().
template <class T>
constexpr std::size_t column_sum_scratch(Index rows, Index columns) {
    const Index slices = (rows + column_sum_slice(rows) - 1) / column_sum_slice(rows);
    return static_cast<std::size_t>(slices * columns) * sizeof(T);
}

/// sums[column] += sum over the rows of matrix (rows, columns).
template <class T, class Source>
void add_column_sums(const char* name, Index rows, int columns, const Source* matrix, T* sums,
                     const Scratch& scratch) {
    if (rows == 0 || columns == 0) return;
    const Index slice = column_sum_slice(rows);
    const Index slices = (rows + slice - 1) / slice;
    T* partials = reinterpret_cast<T*>(scratch.data);
    launch(name, dim3(blocks_for(columns, lanes), static_cast<unsigned>(slices)),
           ColumnSums<T, Source>::threads,
           ColumnSums<T, Source>{rows, slice, columns, matrix, partials, false});
    launch(name, dim3(blocks_for(columns, lanes)), ColumnSums<T>::threads,
           ColumnSums<T>{slices, slices, columns, partials, sums, true});
}

}  // namespace tessera::cuda
