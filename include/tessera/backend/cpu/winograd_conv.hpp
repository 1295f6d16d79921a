// SPDX-License-Identifier: MIT
// WinogradConv: convolution with windows of 3 x 3 by Winograd's tiles.
//
// A stretch of tiles is transformed, 8 MB of it, by all threads; then each multiplies a panel of 32
// filters with up to 112 tiles, position by position, by the tiles of registers that every product
// has, and transforms what comes out while it is in the core's own cache. Inputs are read from the
// third-level cache once a panel, 4 bytes a cycle, weights once for 112 tiles.
//
// Measured on two cores of Zen 5 (476 GFLOP/s), GFLOP/s by the direct convolution's count, batch 16
// / 128, bench_op_ops; 13 x 13 fills 0.66 of its tiles:
//                          tiles         oneDNN's 2.6 Winograd over it, time
//   C3 forward             705 / 852     0.92 / 1.00
//   C3 data gradient       701 / 821     0.99 / 1.06
//   C3 weights' gradient   673 / 731     1.09 / 1.17
//   C4u forward            717 / 838     0.94 / 1.02
//   C4u data gradient      719 / 859     0.94 / 1.03
//   C4u weights' gradient  651 / 744     1.06 / 1.15
//   C5u forward            702 / 848     0.97 / 1.05
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

/// y = bias + x * weights, these as positions in the memory.
struct WinogradCorrelation {
    const ConvGeometry& g;
    const WinogradMemory& memory;
    const float* x = nullptr;
    const float* bias = nullptr;
    float* y = nullptr;
    bool rectify = false;              ///< y = max(y, 0) in the end
    const float* rectified = nullptr;  ///< y = rectified > 0 ? y : 0 in the end, unless null

    const Tiling tiling{g};
    const Index width = panel_columns<float>(), filters = g.filters();
    const Index panels = (filters + width - 1) / width;  // of a group
    const Index channels = g.input.channels / g.groups;

    void compute(int threads) const {
        const Index stretches = (tiling.count() + memory.tiles - 1) / memory.tiles;
        for (Index i = 0; i < stretches; ++i) {
            const Range rows = part_of({0, tiling.rows}, i, stretches);
            const Range tiles{rows.begin * tiling.across, rows.end * tiling.across};
            parallel_for(tiles.length(), threads, [&](Index from, Index to, int) {
                for (Index tile = from; tile < to; ++tile) {
                    memory.inputs.take(g, x, tiling.place(tiles.begin + tile), tile, memory.zeros);
                }
            });
            const Index all = g.groups * panels;
            const Index blocks =
                (tiles.length() + WinogradMemory::most_tiles - 1) / WinogradMemory::most_tiles;
            parallel_for(blocks * all, threads, [&](Index from, Index to, int thread) {
                for (Index n = from; n < to; ++n) {
                    compute_panel(tiles.begin, part_of({0, tiles.length()}, n / all, blocks),
                                  n % all, memory.products_of(thread));
                }
            });
        }
    }

    /// Tiles `tiles` of the stretch that begins with tile `first`.
    void compute_panel(Index first, Range tiles, Index panel, float* products) const {
        const Index group = panel / panels, j = panel % panels * width;
        const Index filter = group * filters + j, columns = std::min(width, filters - j);
        const Index distance = (tiles.length() + 1) * width;
        for (Index p = 0; p < tile_positions; ++p) {
            compute_rows<float>(
                tiles.length(), columns,
                {.depth = channels,
                 .a = memory.inputs.data + p * memory.inputs.distance,
                 .begin = tiles.begin * memory.inputs.row + group * channels,
                 .a_stride = memory.inputs.row,
                 .panel = memory.weights + panel * memory.panel + p * memory.distance,
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
        spread_weights(g, memory, scratch.threads, [&](Index group, Index tap) {
            return Matrix<float>{
                weights + (group * g.depth() + tap * (g.depth() / 9)) * g.filters(), g.filters()};
        });
        detail::WinogradCorrelation{
            .g = g, .memory = memory, .x = x, .bias = bias, .y = y, .rectify = rectify}
            .compute(scratch.threads);
    }

    static void backward_data(const ConvGeometry& g, const float* weights, const float* dy,
                              float* dx, const Scratch& scratch, const float* rectified) {
        if (!dx) return;
        const ConvGeometry back = turned(g);
        const WinogradMemory memory(back, scratch);
        spread_weights(back, memory, scratch.threads, [&](Index group, Index tap) {
            const Index opposite = group * 9 + 8 - tap;
            return Matrix<float>{weights + opposite * (g.depth() / 9) * g.filters(), g.filters(),
                                 true};
        });
        detail::WinogradCorrelation{
            .g = back, .memory = memory, .x = dy, .y = dx, .rectified = rectified}
            .compute(scratch.threads);
    }

private:
    /// factor(group, tap) is (channels, filters) of a group.
    template <class Factor>
    static void spread_weights(const ConvGeometry& g, const WinogradMemory& memory, int threads,
                               const Factor& factor) {
        const Index width = panel_columns<float>(), filters = g.filters();
        const Index panels = (filters + width - 1) / width;
        const Index pieces = g.input.channels / g.groups / winograd_lanes;
        const Index size = winograd_lanes * width;
        parallel_for(g.groups * panels * pieces, threads, [&](Index begin, Index end, int) {
            float taps[9 * winograd_lanes * most_panel_columns<float>];
            const float* pixels[9];
            for (Index tap = 0; tap < 9; ++tap) pixels[tap] = taps + tap * size;
            for (Index i = begin; i < end; ++i) {
                const Index panel = i / pieces, j = panel % panels * width;
                const Index channel = i % pieces * winograd_lanes;
                for (Index tap = 0; tap < 9; ++tap) {
                    pack_panels(factor(panel / panels, tap), channel, winograd_lanes, j,
                                std::min(width, filters - j), taps + tap * size, 0);
                }
                spread<detail::WeightStep>(
                    {.pixels = pixels,
                     .channels = size,
                     .to = memory.weights + panel * memory.panel + channel * width,
                     .distance = memory.distance});
            }
        });
    }
};

}  // namespace tessera::cpu
