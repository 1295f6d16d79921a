// SPDX-License-Identifier: MIT
// Convolution as a product: patches to columns, a stretch of output rows at a time.
//
// Each pass is one parallel region in which a thread copies the patches it needs and multiplies
// them: threads that met after every stretch would wait for the slowest each time.
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
        return static_cast<std::size_t>(threads) *
               (carved_bytes<T>(column_count<T>(g)) + packing<T>(g));
    }

    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch) {
        const Memory<T> memory(g, scratch);
        const Index all = filters(g), rows = output_rows(g);
        // A thread takes some of the rows, or some of the filters where these are more.
        const bool by_rows = rows * g.output.width >= all;
        parallel_for(by_rows ? rows : all, scratch.threads, [&](Index from, Index to, int thread) {
            const Range range = by_rows ? Range{from, to} : Range{0, rows};
            const Range own = by_rows ? Range{0, all} : Range{from, to};
            each_stretch<T>(g, range, g.depth(), [&](int group, Index begin, Index end) {
                const Index channel = group * all + own.begin;
                multiply<T>({.rows = (end - begin) * g.output.width,
                             .columns = own.end - own.begin,
                             .depth = g.depth(),
                             .a = memory.patches(g, group, {begin, end}, {0, g.depth()}, x, thread),
                             .b = {weights + group * g.depth() * all + own.begin, all},
                             .c = y + begin * output_row_size(g) + channel,
                             .stride = g.output.channels,
                             .bias = bias ? bias + channel : nullptr},
                            1, memory.packing(thread));
            });
        });
    }

    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        if (!dx) return;
        const Memory<T> memory(g, scratch);
        const auto product = [&](int group, Index begin, Index end, T* c, Index stride) {
            return Product<T>{
                .rows = (end - begin) * g.output.width,
                .columns = g.depth(),
                .depth = filters(g),
                .a = {dy + begin * output_row_size(g) + group * filters(g), g.output.channels},
                .b = {weights + group * g.depth() * filters(g), filters(g), true},
                .c = c,
                .stride = stride};
        };
        if (is_matrix(g)) {
            for (int group = 0; group < g.groups; ++group) {
                multiply(product(group, 0, output_rows(g), dx + matrix_offset(g, group, 0),
                                 matrix_stride(g)),
                         scratch.threads, memory.packing(0));
            }
            return;
        }
        // A thread owns some of the input rows; output rows at a boundary are multiplied twice.
        parallel_for(
            Index{g.batch} * g.input.height, scratch.threads,
            [&](Index from, Index to, int thread) {
                const Index row_size = Index{g.input.width} * g.input.channels;
                std::fill_n(dx + from * row_size, (to - from) * row_size, T{0});
                each_stretch<T>(
                    g, windows_over(g, from, to), g.depth(),
                    [&](int group, Index begin, Index end) {
                        T* columns = memory.columns(thread);
                        multiply(product(group, begin, end, columns, g.depth()), 1,
                                 memory.packing(thread));
                        const Index first =
                            std::max(from, begin / g.output.height * g.input.height);
                        const Index last =
                            std::min(to, ((end - 1) / g.output.height + 1) * g.input.height);
                        for (Index row = first; row < last; ++row) {
                            add_columns_to_row(g, group, begin, end, columns, row / g.input.height,
                                               row % g.input.height, dx);
                        }
                    });
            });
    }

    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy, T* dweights,
                                    std::type_identity_t<T>* dbias, const Scratch& scratch) {
        const Memory<T> memory(g, scratch);
        const Index all = filters(g), depth = g.depth();
        // A thread takes some of the columns of the patches, or of the filters where these are
        // more.
        const bool by_depth = depth >= all;
        parallel_for(
            by_depth ? depth : all, scratch.threads, [&](Index from, Index to, int thread) {
                const Range taps = by_depth ? Range{from, to} : Range{0, depth};
                const Range own = by_depth ? Range{0, all} : Range{from, to};
                const Range rows{0, output_rows(g)};
                each_stretch<T>(
                    g, rows, taps.end - taps.begin, [&](int group, Index begin, Index end) {
                        Matrix<T> columns = memory.patches(g, group, {begin, end}, taps, x, thread);
                        columns.transposed = true;
                        const T* gradient = dy + begin * output_row_size(g) + group * all;
                        const Index positions = (end - begin) * g.output.width;
                        multiply<T>({.rows = taps.end - taps.begin,
                                     .columns = own.end - own.begin,
                                     .depth = positions,
                                     .a = columns,
                                     .b = {gradient + own.begin, g.output.channels},
                                     .c = dweights + (group * depth + taps.begin) * all + own.begin,
                                     .stride = all,
                                     .accumulate = true},
                                    1, memory.packing(thread));
                        if (!dbias) return;
                        // The thread's share of the bias, while this stretch is in its cache.
                        const Index length = by_depth ? depth : all;
                        const Index first = all * from / length, last = all * to / length;
                        add_column_sums(positions, last - first, gradient + first,
                                        g.output.channels, dbias + group * all + first);
                    });
            });
    }

private:
    struct Range {
        Index begin = 0;
        Index end = 0;
    };

    /// Columns that a thread holds at once: half to all of a core's own cache was best among 0.5 to
    /// 8 MB.
    static constexpr Index column_bytes = Index{1} << 20;

    static constexpr Index filters(const ConvGeometry& g) { return g.output.channels / g.groups; }
    static constexpr Index output_rows(const ConvGeometry& g) {
        return Index{g.batch} * g.output.height;
    }
    static constexpr Index output_row_size(const ConvGeometry& g) {
        return Index{g.output.width} * g.output.channels;
    }

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
    static constexpr Index matrix_offset(const ConvGeometry& g, int group, Index row) {
        return row * g.output.width * matrix_stride(g) + group * (g.input.channels / g.groups);
    }

    /// Elements of a thread's columns: those of one output row at the least.
    template <class T>
    static constexpr Index column_count(const ConvGeometry& g) {
        const Index row = g.output.width * g.depth();
        const Index budget = column_bytes / static_cast<Index>(sizeof(T));
        return is_matrix(g) ? 0 : std::min(std::max(budget, row), output_rows(g) * row);
    }

    template <class T>
    static constexpr std::size_t packing(const ConvGeometry& g) {
        const Index positions = g.batch * g.output.area();
        return std::max({packing_bytes<T>(positions, filters(g), g.depth()),
                         packing_bytes<T>(positions, g.depth(), filters(g)),
                         packing_bytes<T>(g.depth(), filters(g), positions)});
    }

    /// The output rows whose windows hold some of the input rows from .. to - 1 of the batch.
    static constexpr Range windows_over(const ConvGeometry& g, Index from, Index to) {
        const Index height = g.input.height, stride = g.window.stride;
        const Index before = from % height + g.window.pad_top - g.window.height;
        const Index after = ((to - 1) % height + g.window.pad_top) / stride;
        return {from / height * g.output.height +
                    std::min<Index>(g.output.height, before < 0 ? 0 : before / stride + 1),
                (to - 1) / height * g.output.height + std::min<Index>(g.output.height, after + 1)};
    }

    /// Calls f(group, begin, end) for stretches of output rows whose columns, `width` of them, fit.
    template <class T, class F>
    static void each_stretch(const ConvGeometry& g, Range rows, Index width, const F& f) {
        const Index step = is_matrix(g)
                               ? rows.end - rows.begin
                               : std::max<Index>(1, column_count<T>(g) / (g.output.width * width));
        for (Index begin = rows.begin; begin < rows.end; begin += step) {
            for (int group = 0; group < g.groups; ++group) {
                f(group, begin, std::min(rows.end, begin + step));
            }
        }
    }

    /// The working memory, a share for each thread.
    template <class T>
    class Memory {
    public:
        Memory(const ConvGeometry& g, const Scratch& scratch)
            : column_count_(static_cast<Index>(carved_bytes<T>(column_count<T>(g)) / sizeof(T))),
              packing_bytes_(Conv::packing<T>(g)) {
            Carve carve(scratch);
            columns_ = carve.take<T>(scratch.threads * column_count_);
            packing_ = carve.take<std::byte>(scratch.threads * static_cast<Index>(packing_bytes_));
        }

        T* columns(int thread) const { return columns_ + thread * column_count_; }
        std::byte* packing(int thread) const {
            return packing_ + static_cast<std::size_t>(thread) * packing_bytes_;
        }

        /// Columns `taps` of the patches of output rows `rows`, copied unless x has them so.
        Matrix<T> patches(const ConvGeometry& g, int group, Range rows, Range taps, const T* x,
                          int thread) const {
            if (is_matrix(g)) {
                return {x + matrix_offset(g, group, rows.begin) + taps.begin, matrix_stride(g)};
            }
            image_to_columns(g, group, rows.begin, rows.end, taps.begin, taps.end, x,
                             columns(thread));
            return {columns(thread), taps.end - taps.begin};
        }

    private:
        T* columns_ = nullptr;
        std::byte* packing_ = nullptr;
        Index column_count_ = 0;
        std::size_t packing_bytes_ = 0;
    };
};

}  // namespace tessera::cpu
