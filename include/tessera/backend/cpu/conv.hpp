// SPDX-License-Identifier: MIT
// Convolution as a product: patches to columns, a stretch of output rows at a time.
//
// Each pass is one parallel region in which a thread copies the patches it needs and multiplies
// them: threads that met after every stretch would wait for the slowest each time.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/conv_memory.hpp"

namespace tessera::cpu {

/// ConvOp of backend/concept.hpp.
struct Conv {
    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int threads) {
        return static_cast<std::size_t>(threads) *
                   (carved_bytes<T>(detail::column_count<T>(g)) + detail::conv_packing<T>(g)) +
               carved_bytes<T>(detail::weight_panels<T>(g));
    }

    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch) {
        const detail::ConvMemory<T> memory(g, scratch);
        const Index all = detail::filters(g), rows = detail::output_rows(g);
        // A thread takes some of the rows, or some of the filters where these are more.
        const bool by_rows = rows * g.output.width >= all;
        const Index unit = by_rows ? 1 : most_panel_columns;
        const Index units = ((by_rows ? rows : all) + unit - 1) / unit;
        const detail::WeightPanels<T> panels(g, memory, scratch.threads, {weights, all}, g.depth(),
                                             all);
        parallel_for(units, scratch.threads, [&](Index from, Index to, int thread) {
            const detail::Range range = by_rows ? detail::Range{from, to} : detail::Range{0, rows};
            const detail::Range own = by_rows
                                          ? detail::Range{0, all}
                                          : detail::Range{from * unit, std::min(to * unit, all)};
            each_stretch<T>(g, range, g.depth(), [&](int group, Index begin, Index end) {
                const Index channel = group * all + own.begin;
                multiply<T>({.rows = (end - begin) * g.output.width,
                             .columns = own.end - own.begin,
                             .depth = g.depth(),
                             .a = memory.patches(g, group, {begin, end}, {0, g.depth()}, x, thread),
                             .b = {weights + group * g.depth() * all + own.begin, all},
                             .c = y + begin * detail::output_row_size(g) + channel,
                             .stride = g.output.channels,
                             .bias = bias ? bias + channel : nullptr,
                             .panels = panels.of(group, own.begin)},
                            1, memory.packing(thread));
            });
        });
    }

    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        if (!dx) return;
        const detail::ConvMemory<T> memory(g, scratch);
        const detail::WeightPanels<T> panels(g, memory, scratch.threads,
                                             {weights, detail::filters(g), true},
                                             detail::filters(g), g.depth());
        const auto product = [&](int group, Index begin, Index end, T* c, Index stride) {
            return Product<T>{
                .rows = (end - begin) * g.output.width,
                .columns = g.depth(),
                .depth = detail::filters(g),
                .a = {dy + begin * detail::output_row_size(g) + group * detail::filters(g),
                      g.output.channels},
                .b = {weights + group * g.depth() * detail::filters(g), detail::filters(g), true},
                .c = c,
                .stride = stride,
                .panels = panels.of(group, 0)};
        };
        if (detail::is_matrix(g)) {
            for (int group = 0; group < g.groups; ++group) {
                multiply(product(group, 0, detail::output_rows(g),
                                 dx + detail::matrix_offset(g, group, 0), detail::matrix_stride(g)),
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
        const detail::ConvMemory<T> memory(g, scratch);
        const Index all = detail::filters(g), depth = g.depth();
        // A thread takes some of the columns of the patches, or of the filters where these are
        // more.
        const bool by_depth = depth >= all;
        parallel_for(
            by_depth ? depth : all, scratch.threads, [&](Index from, Index to, int thread) {
                const detail::Range taps =
                    by_depth ? detail::Range{from, to} : detail::Range{0, depth};
                const detail::Range own =
                    by_depth ? detail::Range{0, all} : detail::Range{from, to};
                const detail::Range rows{0, detail::output_rows(g)};
                each_stretch<T>(
                    g, rows, taps.end - taps.begin, [&](int group, Index begin, Index end) {
                        Matrix<T> columns = memory.patches(g, group, {begin, end}, taps, x, thread);
                        columns.transposed = true;
                        const T* gradient = dy + begin * detail::output_row_size(g) + group * all;
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
    /// The output rows whose windows hold some of the input rows from .. to - 1 of the batch.
    static constexpr detail::Range windows_over(const ConvGeometry& g, Index from, Index to) {
        const Index height = g.input.height, stride = g.window.stride;
        const Index before = from % height + g.window.pad_top - g.window.height;
        const Index after = ((to - 1) % height + g.window.pad_top) / stride;
        return {from / height * g.output.height +
                    std::min<Index>(g.output.height, before < 0 ? 0 : before / stride + 1),
                (to - 1) / height * g.output.height + std::min<Index>(g.output.height, after + 1)};
    }

    /// Calls f(group, begin, end) for stretches of output rows whose columns, `width` of them, fit.
    template <class T, class F>
    static void each_stretch(const ConvGeometry& g, detail::Range rows, Index width, const F& f) {
        const Index step =
            detail::is_matrix(g)
                ? rows.end - rows.begin
                : std::max<Index>(1, detail::column_count<T>(g) / (g.output.width * width));
        for (Index begin = rows.begin; begin < rows.end; begin += step) {
            for (int group = 0; group < g.groups; ++group) {
                f(group, begin, std::min(rows.end, begin + step));
            }
        }
    }
};

}  // namespace tessera::cpu
