// SPDX-License-Identifier: MIT
// WinogradConv: convolution with windows of 3 x 3 by Winograd's tiles.
//
// A stretch of tiles is transformed by all threads; then each multiplies panels of 32 filters with
// blocks of up to 112 tiles, position by position, by the tiles of registers that every product
// has, and transforms what comes out while it is in the core's own cache. Where all tiles are one
// stretch, a panel of weights is transformed by the thread that takes it through all blocks. Where
// they are more, weights are transformed beforehand, and all panels pass by a block before the
// next: the other order took 1.3 to 1.4 times as long at batch 128.
//
// Measured on two cores of Zen 5, bench_op_ops at batch 16 / 128, time of all weights transformed
// beforehand over this, medians of three runs taking turns: C3 forward 1.09 / 1.04, data 1.01 /
// 1.01; C4u 0.99 / 1.03, 1.02 / 1.02; C5u 1.02 / 1.03, 1.11 / 1.03.
//
// An input that is infinite or NaN leaves none finite of all 16 outputs of each tile that sees it.
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/direct_memory.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/strips.hpp"
#include "tessera/backend/cpu/winograd_memory.hpp"

namespace tessera::cpu {

namespace detail {

/// y = bias + x * weights, or, turned, the gradient of a convolution's inputs, whose channels are
/// the filters of `weights`.
struct WinogradCorrelation {
    const ConvGeometry& g;
    const WinogradMemory& memory;
    const float* x = nullptr;
    const float* weights = nullptr;
    bool turned = false;
    const float* bias = nullptr;
    float* y = nullptr;
    bool rectify = false;              ///< y = max(y, 0) in the end
    const float* rectified = nullptr;  ///< y = rectified > 0 ? y : 0 in the end, unless null

    const Tiling tiling{g};
    const Index width = panel_columns<float>(), filters = g.filters();
    const Index panels = (filters + width - 1) / width;  // of a group
    const Index channels = g.input.channels / g.groups;

    void compute(int threads) const {
        const Index all = g.groups * panels, pieces = channels / winograd_lanes;
        const Index stretches = (tiling.count() + memory.tiles - 1) / memory.tiles;
        // The weights of a panel that are used once are transformed by the thread that uses them,
        // into memory that stays in its caches.
        const bool once = stretches == 1 && all >= threads;
        const Index most = once ? WinogradMemory::fewer_tiles : WinogradMemory::most_tiles;
        const auto weights_of = [&](Index panel, int thread) {
            return memory.weights + (once ? thread : panel) * memory.panel;
        };
        parallel_for(once ? 0 : all * pieces, threads, [&](Index from, Index to, int thread) {
            for (Index i = from; i < to; ++i) {
                take_weights(i / pieces, i % pieces, weights_of(i / pieces, thread));
            }
        });
        for (Index i = 0; i < stretches; ++i) {
            const Range rows = part_of({0, tiling.rows}, i, stretches);
            const Range tiles{rows.begin * tiling.across, rows.end * tiling.across};
            parallel_for(tiles.length(), threads, [&](Index from, Index to, int) {
                for (Index tile = from; tile < to; ++tile) {
                    memory.inputs.take(g, x, tiling.place(tiles.begin + tile), tile, memory.zeros);
                }
            });
            const Index blocks = (tiles.length() + most - 1) / most;
            parallel_for(all * blocks, threads, [&](Index from, Index to, int thread) {
                for (Index n = from; n < to; ++n) {
                    const Index panel = once ? n / blocks : n % all;
                    const Index block = once ? n % blocks : n / all;
                    float* taken = weights_of(panel, thread);
                    const bool first = n == from || block == 0;
                    for (Index piece = 0; once && first && piece < pieces; ++piece) {
                        take_weights(panel, piece, taken);
                    }
                    compute_panel(tiles.begin, part_of({0, tiles.length()}, block, blocks), panel,
                                  taken, memory.products_of(thread));
                }
            });
        }
    }

    /// Weights of a panel and as many channels as a vector has lanes as positions.
    void take_weights(Index panel, Index piece, float* to) const {
        float taps[9 * winograd_lanes * most_panel_columns<float>];
        const float* pixels[9];
        const Index group = panel / panels, j = panel % panels * width;
        const Index size = winograd_lanes * width;
        for (Index tap = 0; tap < 9; ++tap) {
            const Index at = group * 9 + (turned ? 8 - tap : tap);
            const Matrix<float> factor{weights + at * channels * filters,
                                       turned ? channels : filters, turned};
            pack_panels(factor, piece * winograd_lanes, winograd_lanes, j,
                        std::min(width, filters - j), taps + tap * size, 0);
            pixels[tap] = taps + tap * size;
        }
        spread<WeightStep>({.pixels = pixels,
                            .channels = size,
                            .to = to + piece * size,
                            .distance = memory.distance});
    }

    /// Tiles `tiles` of the stretch that begins with tile `first`.
    void compute_panel(Index first, Range tiles, Index panel, const float* taken,
                       float* products) const {
        const Index group = panel / panels, j = panel % panels * width;
        const Index filter = group * filters + j, columns = std::min(width, filters - j);
        const Index distance = (tiles.length() + 1) * width;
        for (Index p = 0; p < tile_positions; ++p) {
            compute_rows<float>(tiles.length(), columns,
                                {.depth = channels,
                                 .a = memory.inputs.data + p * memory.inputs.distance,
                                 .begin = tiles.begin * memory.inputs.row + group * channels,
                                 .a_stride = memory.inputs.row,
                                 .panel = taken + p * memory.distance,
                                 .panel_step = width,
                                 .c = products + p * distance,
                                 .c_stride = width});
        }
        const Index pixel = g.output.channels, line = g.output.width * pixel;
        for (Index tile = tiles.begin; tile < tiles.end; ++tile) {
            const TilePlace at = tiling.place(first + tile);
            const Index to = at.image * g.output.size() + at.y * line + at.x * pixel + filter;
            gather<OutputStep>({.from = products + (tile - tiles.begin) * width,
                                .distance = distance,
                                .channels = columns,
                                .to = y + to,
                                .line = line,
                                .pixel = pixel,
                                .rows = std::min<Index>(tile_outputs, g.output.height - at.y),
                                .columns = std::min<Index>(tile_outputs, g.output.width - at.x),
                                .bias = bias ? bias + filter : nullptr,
                                .rectify = rectify,
                                .rectified = rectified ? rectified + to : nullptr});
        }
    }
};

}  // namespace detail

/// The passes of ConvOp from inputs to outputs and back, for is_tileable geometries.
struct WinogradConv {
    static std::size_t scratch_bytes(const ConvGeometry& g, int threads) {
        return std::max(WinogradMemory::bytes(g, threads),
                        WinogradMemory::bytes(turned(g), threads));
    }

    static void forward(const ConvGeometry& g, const float* x, const float* weights,
                        const float* bias, float* y, const Scratch& scratch, bool rectify) {
        const WinogradMemory memory(g, scratch);
        detail::WinogradCorrelation{.g = g,
                                    .memory = memory,
                                    .x = x,
                                    .weights = weights,
                                    .bias = bias,
                                    .y = y,
                                    .rectify = rectify}
            .compute(scratch.threads);
    }

    static void backward_data(const ConvGeometry& g, const float* weights, const float* dy,
                              float* dx, const Scratch& scratch, const float* rectified) {
        if (!dx) return;
        const ConvGeometry back = turned(g);
        const WinogradMemory memory(back, scratch);
        detail::WinogradCorrelation{.g = back,
                                    .memory = memory,
                                    .x = dy,
                                    .weights = weights,
                                    .turned = true,
                                    .y = dx,
                                    .rectified = rectified}
            .compute(scratch.threads);
    }
};

}  // namespace tessera::cpu
