// SPDX-License-Identifier: MIT
// Convolution as a product: patches to columns, a stretch of output rows at a time.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/gemm.hpp"
#include "tessera/backend/cpu/im2col.hpp"

namespace tessera::cpu {

/// ConvOp of backend/concept.hpp.
struct Conv {
    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int threads) {
        const Index filters = g.output.channels / g.groups;
        const Index rows = stretch<T>(g, threads) * g.output.width;
        const std::size_t packing = std::max({packing_bytes<T>(rows, filters, g.depth()),
                                              packing_bytes<T>(rows, g.depth(), filters),
                                              packing_bytes<T>(g.depth(), filters, rows)});
        return carved_bytes<T>(is_matrix(g) ? 0 : rows * g.depth()) +
               static_cast<std::size_t>(threads) * packing;
    }

    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch) {
        const Index filters = g.output.channels / g.groups;
        const Memory<T> memory(g, scratch);
        each_stretch<T>(g, scratch.threads, [&](int group, Index begin, Index end) {
            multiply<T>({.rows = (end - begin) * g.output.width,
                         .columns = filters,
                         .depth = g.depth(),
                         .a = patches(g, group, begin, end, x, memory, scratch.threads),
                         .b = {weights + group * g.depth() * filters, filters},
                         .c = y + begin * g.output.width * g.output.channels + group * filters,
                         .stride = g.output.channels,
                         .bias = bias ? bias + group * filters : nullptr},
                        scratch.threads, memory.packing);
        });
    }

    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        if (!dx) return;
        const Index filters = g.output.channels / g.groups;
        const Memory<T> memory(g, scratch);
        const Index row_size = Index{g.input.width} * g.input.channels;
        if (!is_matrix(g)) {
            parallel_for(Index{g.batch} * g.input.height, scratch.threads,
                         [&](Index begin, Index end, int) {
                             std::fill_n(dx + begin * row_size, (end - begin) * row_size, T{0});
                         });
        }
        each_stretch<T>(g, scratch.threads, [&](int group, Index begin, Index end) {
            const bool direct = is_matrix(g);
            multiply<T>({.rows = (end - begin) * g.output.width,
                         .columns = g.depth(),
                         .depth = filters,
                         .a = {dy + begin * g.output.width * g.output.channels + group * filters,
                               g.output.channels},
                         .b = {weights + group * g.depth() * filters, filters, true},
                         .c = direct ? dx + matrix_offset(g, group, begin) : memory.columns,
                         .stride = direct ? matrix_stride(g) : g.depth()},
                        scratch.threads, memory.packing);
            if (direct) return;
            const Index first = begin / g.output.height * g.input.height;
            const Index last = ((end - 1) / g.output.height + 1) * g.input.height;
            parallel_for(last - first, scratch.threads, [&](Index from, Index to, int) {
                for (Index row = first + from; row < first + to; ++row) {
                    add_columns_to_row(g, group, begin, end, memory.columns, row / g.input.height,
                                       row % g.input.height, dx);
                }
            });
        });
    }

    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy, T* dweights,
                                    std::type_identity_t<T>* dbias, const Scratch& scratch) {
        const Index filters = g.output.channels / g.groups;
        const Memory<T> memory(g, scratch);
        each_stretch<T>(g, scratch.threads, [&](int group, Index begin, Index end) {
            Matrix<T> columns = patches(g, group, begin, end, x, memory, scratch.threads);
            columns.transposed = true;
            multiply<T>({.rows = g.depth(),
                         .columns = filters,
                         .depth = (end - begin) * g.output.width,
                         .a = columns,
                         .b = {dy + begin * g.output.width * g.output.channels + group * filters,
                               g.output.channels},
                         .c = dweights + group * g.depth() * filters,
                         .stride = filters,
                         .accumulate = true},
                        scratch.threads, memory.packing);
            if (dbias && group == g.groups - 1) {
                add_column_sums((end - begin) * g.output.width, g.output.channels,
                                dy + begin * g.output.width * g.output.channels, dbias,
                                scratch.threads);
            }
        });
    }

private:
    /// Columns held at once for each thread: half to all of a nearest private cache was best among
    /// 0.5 to 8 MB.
    static constexpr Index column_bytes = Index{1} << 20;

    template <class T>
    struct Memory {
        T* columns = nullptr;
        std::byte* packing = nullptr;

        Memory(const ConvGeometry& g, const Scratch& scratch) {
            const Index count =
                is_matrix(g) ? 0 : stretch<T>(g, scratch.threads) * g.output.width * g.depth();
            const std::size_t all = scratch_bytes<T>(g, scratch.threads);
            Carve carve(scratch);
            columns = carve.take<T>(count);
            packing = carve.take<std::byte>(static_cast<Index>(all - carved_bytes<T>(count)));
        }
    };

    static constexpr bool is_pointwise(const ConvGeometry& g) {
        return g.window.height == 1 && g.window.width == 1 && g.window.stride == 1 &&
               g.input.height == g.output.height && g.input.width == g.output.width;
    }

    /// The input itself is the matrix of patches: each pixel, or each image, is one patch.
    static constexpr bool is_matrix(const ConvGeometry& g) {
        const bool whole = g.groups == 1 && g.output.area() == 1 &&
                           g.window.height == g.input.height && g.window.width == g.input.width;
        return (is_pointwise(g) || whole) && g.window.pad_top == 0 && g.window.pad_left == 0;
    }

    static constexpr Index matrix_stride(const ConvGeometry& g) {
        return is_pointwise(g) ? g.input.channels : g.input.size();
    }

    static constexpr Index matrix_offset(const ConvGeometry& g, int group, Index begin) {
        return begin * g.output.width * matrix_stride(g) + group * (g.input.channels / g.groups);
    }

    /// Output rows whose columns are held at once.
    template <class T>
    static constexpr Index stretch(const ConvGeometry& g, int threads) {
        const Index rows = Index{g.batch} * g.output.height;
        const Index bytes = g.output.width * g.depth() * static_cast<Index>(sizeof(T));
        return is_matrix(g)
                   ? rows
                   : std::clamp<Index>(threads * column_bytes / bytes, 1, std::max<Index>(1, rows));
    }

    template <class T, class F>
    static void each_stretch(const ConvGeometry& g, int threads, const F& f) {
        const Index rows = Index{g.batch} * g.output.height;
        const Index step = stretch<T>(g, threads);
        for (Index begin = 0; begin < rows; begin += step) {
            for (int group = 0; group < g.groups; ++group) {
                f(group, begin, std::min(rows, begin + step));
            }
        }
    }

    template <class T>
    static Matrix<T> patches(const ConvGeometry& g, int group, Index begin, Index end, const T* x,
                             const Memory<T>& memory, int threads) {
        if (is_matrix(g)) return {x + matrix_offset(g, group, begin), matrix_stride(g)};
        parallel_for(end - begin, threads, [&](Index from, Index to, int) {
            image_to_columns(g, group, begin + from, begin + to, x,
                             memory.columns + from * g.output.width * g.depth());
        });
        return {memory.columns, g.depth()};
    }
};

}  // namespace tessera::cpu
