// SPDX-License-Identifier: MIT
// ProductConv: convolution as a product, patches to columns, a stretch of output rows at a time.
//
// Each pass is one parallel region in which a thread copies the patches it needs and multiplies
// them: threads that met after every stretch would wait for the slowest each time.
//
// The gradient of the data of AlexNet's C1, which only this one computes, is 0.21 GFLOP an image in
// 0.79 ms, and 105 to 116 ms for 128 on two cores of Zen 5 (bench/run.sh), about half of the rate
// of arithmetic: its product is only 96 deep, and each of its sums is written and then read again.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/conv_memory.hpp"
#include "tessera/backend/cpu/few_rows.hpp"
#include "tessera/backend/cpu/gemm.hpp"

namespace tessera::cpu {

/// ConvOp of backend/concept.hpp, by a kernel of gemm.hpp.
template <class Kernel>
struct ProductConv {
    static constexpr bool takes_relu = true;
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int threads) {
        return Memory<T>::bytes(g, threads);
    }

    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify = false) {
        const Memory<T> memory(g, scratch);
        const Index filters = g.filters(), rows = output_rows(g);
        const Panels<T> panels(g.groups, {weights, filters}, g.depth(), filters, memory.panels(),
                               scratch.threads);
        // A thread takes some of the rows, or some of the filters where these are more.
        const bool by_rows = rows * g.output.width >= filters;
        const Index unit = by_rows ? 1 : Kernel::column_unit;
        const Index length = by_rows ? rows : filters;
        parallel_for(
            (length + unit - 1) / unit, scratch.threads, [&](Index from, Index to, int thread) {
                const Range part{from * unit, std::min(to * unit, length)};
                const Range own = by_rows ? Range{0, filters} : part;
                each_stretch<T>(
                    g, by_rows ? part : Range{0, rows}, g.depth(), [&](int group, Range stretch) {
                        const Index channel = group * filters + own.begin;
                        const Product<T> product{
                            .rows = stretch.length() * g.output.width,
                            .columns = own.length(),
                            .depth = g.depth(),
                            .a = memory.patches(g, group, stretch, {0, g.depth()}, x, thread),
                            .b = {weights + group * g.depth() * filters + own.begin, filters},
                            .c = y + stretch.begin * output_row_size(g) + channel,
                            .stride = g.output.channels,
                            .bias = bias ? bias + channel : nullptr,
                            .rectify = rectify,
                            .panels = panels.of(group, own.begin)};
                        // Stretches by_rows depend on the number of threads, which results do not.
                        const bool few = !by_rows && product.rows <= Kernel::most_few_rows;
                        few && !product.panels
                            ? multiply<FewRows>(product, 1, memory.packing(thread))
                            : multiply<Kernel>(product, 1, memory.packing(thread));
                    });
            });
    }

    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch,
                              const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        const Memory<T> memory(g, scratch);
        const Index filters = g.filters();
        const Panels<T> panels(g.groups, {weights, filters, true}, filters, g.depth(),
                               memory.panels(), scratch.threads);
        const auto product = [&](int group, Range rows, T* c, Index stride) {
            return Product<T>{
                .rows = rows.length() * g.output.width,
                .columns = g.depth(),
                .depth = filters,
                .a = {dy + rows.begin * output_row_size(g) + group * filters, g.output.channels},
                .b = {weights + group * g.depth() * filters, filters, true},
                .c = c,
                .stride = stride,
                .panels = panels.of(group, 0)};
        };
        const Index positions = output_rows(g) * g.output.width;
        const bool few = positions <= FewRows::most_transposed && !memory.panels();
        const auto compute = [&](const Product<T>& p, int threads, std::byte* packing) {
            few ? multiply<FewRows>(p, threads, packing) : multiply<Kernel>(p, threads, packing);
        };
        if (is_matrix(g)) {
            for (int group = 0; group < g.groups; ++group) {
                compute(product(group, {0, output_rows(g)}, dx + matrix_offset(g, group, 0),
                                matrix_stride(g)),
                        scratch.threads, memory.packing(0));
            }
            if (!rectified) return;
            parallel_for(g.batch * g.input.size(), scratch.threads, [=](Index from, Index to, int) {
                rectify_gradient(to - from, rectified + from, dx + from);
            });
            return;
        }
        // A thread owns some of the input rows; output rows at a boundary are multiplied twice.
        const Index height = g.input.height, row_size = Index{g.input.width} * g.input.channels;
        parallel_for(g.batch * height, scratch.threads, [&](Index from, Index to, int thread) {
            std::fill_n(dx + from * row_size, (to - from) * row_size, T{0});
            each_stretch<T>(
                g, windows_over(g, {from, to}), g.depth(), [&](int group, Range stretch) {
                    T* columns = memory.columns(thread);
                    compute(product(group, stretch, columns, g.depth()), 1, memory.packing(thread));
                    // The rows of the images that the stretch touches, as far as they are own.
                    const Index first = std::max(from, stretch.begin / g.output.height * height);
                    const Index last =
                        std::min(to, ((stretch.end - 1) / g.output.height + 1) * height);
                    for (Index row = first; row < last; ++row) {
                        add_columns_to_row(g, group, stretch, columns, row / height, row % height,
                                           dx);
                    }
                });
            if (!rectified) return;
            const Index first = from * row_size;
            rectify_gradient((to - from) * row_size, rectified + first, dx + first);
        });
    }

    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy, T* dweights,
                                    std::type_identity_t<T>* dbias, const Scratch& scratch) {
        const Memory<T> memory(g, scratch);
        const Index filters = g.filters(), depth = g.depth();
        // A thread takes some of the columns of the patches, or of the filters where these are
        // more.
        const bool by_depth = depth >= filters;
        const Index length = by_depth ? depth : filters;
        parallel_for(length, scratch.threads, [&](Index from, Index to, int thread) {
            const Range taps = by_depth ? Range{from, to} : Range{0, depth};
            const Range own = by_depth ? Range{0, filters} : Range{from, to};
            // Of the whole depth, so that sums do not depend on the number of threads.
            each_stretch<T>(g, {0, output_rows(g)}, depth, [&](int group, Range stretch) {
                Matrix<T> columns = memory.patches(g, group, stretch, taps, x, thread);
                columns.transposed = true;
                const T* gradient = dy + stretch.begin * output_row_size(g) + group * filters;
                const Index positions = stretch.length() * g.output.width;
                multiply<Kernel, T>(
                    {.rows = taps.length(),
                     .columns = own.length(),
                     .depth = positions,
                     .a = columns,
                     .b = {gradient + own.begin, g.output.channels},
                     .c = dweights + (group * depth + taps.begin) * filters + own.begin,
                     .stride = filters,
                     .accumulate = true},
                    1, memory.packing(thread));
                if (!dbias) return;
                // The thread's share of the bias, while this stretch is in its cache.
                const Index first = filters * from / length, last = filters * to / length;
                add_column_sums(positions, last - first, gradient + first, g.output.channels,
                                dbias + group * filters + first);
            });
        });
    }

private:
    template <class T>
    using Memory = detail::ConvMemory<T, Kernel>;
    template <class T>
    using Panels = detail::WeightPanels<T>;

    /// The output rows whose windows hold some of these input rows; both counted over the batch.
    static constexpr Range windows_over(const ConvGeometry& g, Range rows) {
        const Index height = g.input.height, stride = g.window.stride, last = rows.end - 1;
        const Index before = rows.begin % height + g.window.pad_top - g.window.height;
        const Index after = (last % height + g.window.pad_top) / stride;
        return {rows.begin / height * g.output.height +
                    std::min<Index>(g.output.height, before < 0 ? 0 : before / stride + 1),
                last / height * g.output.height + std::min<Index>(g.output.height, after + 1)};
    }

    /// Calls f(group, stretch) for stretches of output rows whose columns, `width` of them, fit.
    template <class T, class F>
    static void each_stretch(const ConvGeometry& g, Range rows, Index width, const F& f) {
        const Index step =
            is_matrix(g)
                ? rows.length()
                : std::max<Index>(1, Memory<T>::column_count(g) / (g.output.width * width));
        for (Index begin = rows.begin; begin < rows.end; begin += step) {
            for (int group = 0; group < g.groups; ++group) {
                f(group, Range{begin, std::min(rows.end, begin + step)});
            }
        }
    }
};

}  // namespace tessera::cpu
