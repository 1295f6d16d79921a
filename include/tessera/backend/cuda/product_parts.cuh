// SPDX-License-Identifier: MIT
// What the products on CUDA cores and on tensor cores share: the extents, a matrix in memory as an
// operand, where sums go, and the sum of slices.
#pragma once

#include <limits>

#include "tessera/backend/cuda/bfloat16.cuh"
#include "tessera/backend/cuda/pack.cuh"
#include "tessera/backend/cuda/rectify_gradient.cuh"
#include "tessera/backend/geometry.hpp"
#include "tessera/core/error.hpp"

namespace tessera::cuda {

/// Rows, columns and length of the sums of one group.
struct ProductExtents {
    int groups = 1;
    int rows = 0;
    int columns = 0;
    int depth = 0;
};

/// A matrix in memory. A "line" is a row of A or a column of B; element (line, k) of a group is
///   data[group * group_stride + line * line_stride + k * k_stride].
/// `AlongK` says that neighbours in k, and not neighbouring lines, are neighbours in memory.
///
/// Every operand of a product has these members. What a line and a k contribute to an address is
/// computed apart, once a line and once a step; place() puts them together, for a nought that is
/// nowhere, which holds() tells, to an address that must not be read; find() is null then.
template <class T, bool AlongK>
struct PlainMatrix {
    static constexpr bool along_k = AlongK;
    using Line = Index;
    using Step = Index;
    const T* data;
    Index line_stride;
    Index k_stride;
    Index group_stride = 0;

    __device__ void enter(int group) { data += group * group_stride; }
    __device__ Index line(int number) const { return number * line_stride; }
    __device__ Index step(int k) const { return k * k_stride; }
    __device__ bool holds(Index, Index) const { return true; }
    __device__ const T* place(Index line, Index step) const { return data + line + step; }
    __device__ const T* find(Index line, Index step) const { return place(line, step); }
};

/// Where sums go: element (row, column) of a group is
///   to[group * group_stride + row * row_stride + column],
/// which is assigned the sum plus bias[group * bias_stride + column] (no bias: null), or, where
/// `accumulate`, increased by the sum; where `rectify`, what is negative then becomes nought. With
/// `rectified`, the outputs of a ReLU that lie as the sums do, these are its gradient and become
/// nought where it did.
template <class T, class Out = T>
struct SumStore {
    Out* to;
    Index row_stride;
    Index group_stride = 0;
    const Out* bias = nullptr;
    int bias_stride = 0;
    bool accumulate = false;
    bool rectify = false;
    const Out* rectified = nullptr;

    /// Stores `Width` neighbours of a row, which lie at a multiple of their size.
    template <int Width>
    __device__ void operator()(int group, int row, int column, Pack<T, Width> sums) const {
        const Index at = group * group_stride + row * row_stride + column;
        Out* place = to + at;
        if (accumulate) {
            const Pack<Out, Width> before = load<Width>(place);
            for (int i = 0; i < Width; ++i) sums[i] += widened(before[i]);
        } else if (bias) {
            const Out* added = bias + (Index{group} * bias_stride + column);
            for (int i = 0; i < Width; ++i) sums[i] += widened(added[i]);
        }
        if (rectify) {
            for (T& sum : sums.values) sum = sum < 0 ? T{0} : sum;
        }
        if (rectified) rectify_gradient(sums, load<Width>(rectified + at));
        tessera::cuda::store(place, narrowed<Out>(sums));
    }
};

/// Adds the slices of one element, from the first to the last.
template <class T, class Out>
struct PartialSums {
    ProductExtents extents;
    int slices;
    const T* partials;
    SumStore<T, Out> store;

    __device__ void operator()() const {
        const Index count = Index{extents.groups} * extents.rows * extents.columns;
        const Index i = global_thread();
        if (i >= count) return;
        T sum = 0;
        for (int slice = 0; slice < slices; ++slice) sum += partials[slice * count + i];
        const Index line = i / extents.columns;
        store(static_cast<int>(line / extents.rows), static_cast<int>(line % extents.rows),
              static_cast<int>(i % extents.columns), Pack<T, 1>{{sum}});
    }
};

/// Checks that counts of `name` fit the 32 bits the kernels work with. Throws Error.
inline int checked_extent(Index count, const char* name) {
    require(count >= 0 && count <= std::numeric_limits<int>::max() / 2, "CUDA: found ", count, " ",
            name, ", expected at most ", std::numeric_limits<int>::max() / 2,
            ": take a smaller batch");
    return static_cast<int>(count);
}

/// Throws Error when the working memory is smaller than an op asks for.
inline void check_scratch(const Scratch& scratch, std::size_t bytes) {
    require(scratch.bytes >= bytes, "working memory: found ", scratch.bytes,
            " bytes, expected at least ", bytes);
}

}  // namespace tessera::cuda
