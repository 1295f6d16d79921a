// SPDX-License-Identifier: MIT
// DirectConv: convolution without columns of patches.
//
// In NHWC the inputs of neighbouring windows lie a pixel's channels apart, which is all that the
// rows of a tile ask for: 14 outputs side by side, 32 filters, and in registers the whole sum over
// the window. Per step of the depth a tile reads 128 bytes of weights for 14 cycles of arithmetic,
// so that panels may come from the second-level cache (300 KB for 3 x 3 x 256); inputs are read
// from there once a panel. Lines are copied only to have zeros beside them, and rows of the window
// above or below the image are skipped.
//
// Measured on two cores of Zen 5 (504 GFLOP/s) in a busy hour, AlexNet at batch 16, bench_op_ops,
// in GFLOP/s by the usual count, to which zeros beside the image are work: C1 450, C2 445 to 480,
// C3 480, C4 455, C5 460 (13 outputs a row, tiles of 13).
//
// In bfloat16 a step takes two channels, and a group with an odd number of them is copied with a
// zero behind. On the same machine, where VDPBF16PS does twice as much as a multiply-add (504 and
// 254 GFLOP/s a core): C1 625 (4 channels for 3), C2 935, C3 940, C4 920, C5 940. The gradient of
// the weights takes pairs of images, or of rows where there is one image, which takes 0.52 to 0.61
// of the time that half a pair of images took (13 rows are 7 pairs).
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/direct_memory.hpp"
#include "tessera/backend/cpu/gemm.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/strips.hpp"

namespace tessera::cpu {

namespace detail {

/// What a thread computes of all outputs: rows, counted over the batch, and panels of filters,
/// counted over the groups.
struct Share {
    Range rows;
    Range panels;
};

/// Calls f(share, thread). Threads share the rows, or the panels where that leaves less over.
template <class F>
void share_out(Index rows, Index panels, int threads, const F& f) {
    const auto longest = [=](Index count) {
        return static_cast<double>((count + threads - 1) / threads) / static_cast<double>(count);
    };
    const bool by_rows = longest(rows) <= longest(panels);
    parallel_for(by_rows ? rows : panels, threads, [&](Index from, Index to, int thread) {
        f(by_rows ? Share{{from, to}, {0, panels}} : Share{{0, rows}, {from, to}}, thread);
    });
}

/// Calls f(image, rows of it) for stretches of at most `step` rows.
template <class F>
void each_stretch(Index height, Range rows, Index step, const F& f) {
    for (Index row = rows.begin; row < rows.end;) {
        const Index image = row / height, first = row % height;
        const Index count = std::min({step, height - first, rows.end - row});
        f(image, Range{first, first + count});
        row += count;
    }
}

/// y = bias + x * weights, these in panels in the memory.
template <class T>
struct Correlation {
    const ConvGeometry& numbers;  ///< the convolution
    const DirectMemory<T>& memory;
    const T* x = nullptr;
    const T* bias = nullptr;
    T* y = nullptr;
    bool rectify = false;          ///< y = max(y, 0) in the end
    const T* rectified = nullptr;  ///< y = rectified > 0 ? y : 0 in the end, unless null

    const ConvGeometry g = in_factors<T>(numbers);
    const Index width = panel_columns<Factor<T>>(), filters = g.filters();
    const Index panels = (filters + width - 1) / width;  // of a group
    const Index channels = g.input.channels / g.groups;
    const Index line = Lines(g).width * g.input.channels;
    // Of one group, the elements of a row of the window lie together.
    const Index steps = g.groups == 1 ? g.window.width * channels : channels;
    const Index row_runs = g.groups == 1 ? 1 : g.window.width;
    // Rows of the window whose panel fits half of a core's own cache; with more it comes in pieces,
    // unless that would round sums.
    const Index piece = is_narrow
                            ? g.window.height
                            : std::max<Index>(1, (Index{1} << 19) / static_cast<Index>(sizeof(T)) /
                                                     (row_runs * steps * width));

    static constexpr bool is_narrow = std::is_same_v<T, Bf16>;

    void compute(int threads) const {
        share_out(g.batch * Index{g.output.height}, g.groups * panels, threads,
                  [&](Share share, int thread) {
                      Run* runs = memory.runs(thread);
                      for (Index i = 0; i < g.window.height * row_runs; ++i) {
                          runs[i] = {i / row_runs * line + i % row_runs * g.input.channels,
                                     i * steps * width};
                      }
                      each_stretch(g.output.height, share.rows, memory.rows_at_once(numbers),
                                   [&](Index image, Range rows) {
                                       compute_rows_of(image, rows, share.panels, thread);
                                   });
                  });
    }

    void compute_rows_of(Index image, Range rows, Range own, int thread) const {
        const T* pixels = x + image * numbers.input.size();
        const Factor<T>* lines = as_factors(pixels);
        Range there{0, g.input.height};
        if (!are_in_place<T>(numbers)) {
            there = lines_under(g, rows);
            copy_factors(numbers, pixels, there, memory.lines(thread));
            lines = memory.lines(thread);
        }
        for (Index panel = own.begin; panel < own.end; ++panel) {
            const Index group = panel / panels, j = panel % panels * width;
            const Index filter = group * filters + j, columns = std::min(width, filters - j);
            const Index all = g.output.channels, row_size = g.output.width * all;
            const Index first_output = image * g.output.size() + filter;
            TileTask<Factor<T>> task{.depth = steps,
                                     .a = lines,
                                     .a_stride = Index{g.window.stride} * g.input.channels,
                                     .panel = memory.weights() + panel * g.depth() * width,
                                     .panel_step = width,
                                     .c_stride = all};
            const T* start = bias ? bias + filter : nullptr;
            for (Index first = 0; first < g.window.height; first += piece) {
                task.rectify = rectify && first + piece >= g.window.height;
                for (Index row = rows.begin; row < rows.end; ++row) {
                    const Range window = window_rows(g, row);
                    const Index begin = std::max(first, window.begin);
                    const Index end = std::max(begin, std::min(first + piece, window.end));
                    task.runs = memory.runs(thread) + begin * row_runs;
                    task.run_count = (end - begin) * row_runs;
                    const Index top = row * g.window.stride - g.window.pad_top;
                    task.begin = (top - there.begin) * line + group * channels;
                    T* c = y + first_output + row * row_size;
                    if constexpr (is_narrow) {
                        compute_narrow_rows(g.output.width, columns, task, start, c, all);
                    } else {
                        task.c = c;
                        task.bias = start;
                        compute_rows(g.output.width, columns, task);
                    }
                }
                start = nullptr;
                task.accumulate = true;
            }
            if (!rectified) continue;
            for (Index at = rows.begin * row_size; at < rows.end * row_size; at += all) {
                rectify_gradient(columns, rectified + first_output + at, y + first_output + at);
            }
        }
    }
};

}  // namespace detail

/// The passes of ConvOp that DirectConv has.
struct DirectConv {
    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int threads) {
        return DirectMemory<T>::bytes(g, threads);
    }

    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify) {
        const DirectMemory<T> memory(g, scratch);
        // An element of the window at a time where each begins with a factor of its own.
        const Index taps = factor_length<T> == 1 ? 1 : Index{g.window.height} * g.window.width;
        const Index depth = g.depth() / taps;
        pack_weights<T>(g.groups, taps, depth, g.filters(), memory.weights(), scratch.threads,
                        [&](Index group, Index tap) {
                            const Index row = (group * taps + tap) * depth;
                            return Matrix<T>{weights + row * g.filters(), g.filters()};
                        });
        detail::Correlation<T>{
            .numbers = g, .memory = memory, .x = x, .bias = bias, .y = y, .rectify = rectify}
            .compute(scratch.threads);
    }

    /// For is_turnable geometries.
    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch, const std::type_identity_t<T>* rectified) {
        if (!dx) return;
        const DirectMemory<T> memory(g, scratch);
        const Index taps = Index{g.window.height} * g.window.width;
        const Index channels = g.input.channels / g.groups, filters = g.filters();
        pack_weights<T>(
            g.groups, taps, filters, channels, memory.weights(), scratch.threads,
            [&](Index group, Index tap) {
                const Index opposite = group * taps + taps - 1 - tap;
                return Matrix<T>{weights + opposite * channels * filters, filters, true};
            });
        const ConvGeometry back = turned(g);
        detail::Correlation<T>{
            .numbers = back, .memory = memory, .x = dy, .y = dx, .rectified = rectified}
            .compute(scratch.threads);
    }

private:
    /// Panels of (taps * depth, columns) for each group; factor(group, tap) is (depth, columns).
    template <class T, class Taps>
    static void pack_weights(int groups, Index taps, Index depth, Index columns, Factor<T>* memory,
                             int threads, const Taps& factor) {
        const Index width = panel_columns<Factor<T>>(), panels = (columns + width - 1) / width;
        parallel_for(groups * panels, threads_for(groups * taps * depth * columns, threads),
                     [&](Index begin, Index end, int) {
                         for (Index i = begin; i < end; ++i) {
                             const Index j = i % panels * width;
                             for (Index tap = 0; tap < taps; ++tap) {
                                 pack_panels(factor(i / panels, tap), 0, depth, j,
                                             std::min(width, columns - j),
                                             memory + (i * taps + tap) * factors<T>(depth) * width,
                                             0);
                             }
                         }
                     });
    }
};

}  // namespace tessera::cpu
