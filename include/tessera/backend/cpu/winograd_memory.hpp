// SPDX-License-Identifier: MIT
// How the outputs of a convolution fall into Winograd's tiles, how many of them are taken at a
// time, and the memory that holds these.
#pragma once

#include <algorithm>
#include <cstring>

#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/direct_memory.hpp"
#include "tessera/backend/cpu/panel.hpp"
#include "tessera/backend/cpu/range.hpp"
#include "tessera/backend/cpu/winograd_transform.hpp"
#include "tessera/backend/geometry.hpp"

namespace tessera::cpu {

/// What the tiles can do: windows of 3 x 3, one for each pixel; whole vectors of channels and
/// filters in each group.
constexpr bool is_tileable(const ConvGeometry& g) {
    return g.window.height == 3 && g.window.width == 3 && is_turnable(g) &&
           g.input.channels / g.groups % winograd_lanes == 0 && g.filters() % winograd_lanes == 0;
}

/// Part `part` of `parts` of a range, as long as the others.
constexpr Range part_of(Range all, Index part, Index parts) {
    return {all.begin + all.length() * part / parts, all.begin + all.length() * (part + 1) / parts};
}

/// Where a tile lies: its image, and its first output there.
struct TilePlace {
    Index image = 0;
    Index y = 0, x = 0;
};

/// Tiles are counted along rows of tiles, these over the batch.
struct Tiling {
    Index across = 0, down = 0;  ///< of an image
    Index rows = 0;              ///< of the batch

    constexpr explicit Tiling(const ConvGeometry& g)
        : across((g.output.width + tile_outputs - 1) / tile_outputs),
          down((g.output.height + tile_outputs - 1) / tile_outputs),
          rows(g.batch * down) {}

    constexpr Index count() const { return rows * across; }
    constexpr TilePlace place(Index tile) const {
        const Index row = tile / across;
        return {row / down, row % down * tile_outputs, tile % across * tile_outputs};
    }

    /// Rows of tiles at a time where one takes `size` floats: 8 MB, which the third-level cache
    /// holds beside the weights.
    constexpr Index rows_at_once(Index size, Index megabytes = 8) const {
        return std::clamp<Index>((megabytes << 18) / (size * across), 1, rows);
    }
};

/// And where they pay. For each pair of a channel and a filter the definition takes 18 operations
/// an output; tiles take 72 each, half as much again for what is not arithmetic, and their
/// transforms, which channels and filters share. The transform of the weights is worth 2000, what
/// teams of threads take to begin and end 4 million in all. For AlexNet's 13 x 13 that is a batch
/// of two: one image by tiles takes 0.8 (C4) to 1.6 (C4 without groups) times as long, as the
/// weights are few or many; two take 0.7 to 1.0.
constexpr bool pays_in_tiles(const ConvGeometry& g) {
    if (!is_tileable(g)) return false;
    const Index channels = g.input.channels / g.groups, filters = g.filters();
    const Index tile = 108 + 1152 / channels + 1152 / filters;
    const Index gain = 18 * g.batch * g.output.area() - tile * Tiling(g).count();
    return gain > 2000 && gain * g.input.channels * filters > 4'000'000;
}

/// pixels[y * side + x]: pixel (top + y, left + x) of an image, zeros beside it.
inline void find_pixels(const float* image, Shape shape, Index top, Index left, Index side,
                        const float* zeros, const float** pixels) {
    for (Index y = top; y < top + side; ++y) {
        for (Index x = left; x < left + side; ++x) {
            const bool inside = y >= 0 && y < shape.height && x >= 0 && x < shape.width;
            *pixels++ = inside ? image + (y * shape.width + x) * shape.channels : zeros;
        }
    }
}

/// Tiles of 6 x 6 inputs as positions: row t of position p, the channels of a tile, begins at
/// data[p * distance + t * row].
struct SpreadInputs {
    Index row = 0, distance = 0;
    float* data = nullptr;

    /// Rows that are a multiple of a page, or of a quarter of one, compete for few places of the
    /// caches.
    constexpr SpreadInputs(const ConvGeometry& g, Index tiles)
        : row(g.input.channels + winograd_lanes), distance(tiles * row + winograd_lanes) {}
    constexpr Index size() const { return tile_positions * distance; }

    /// Takes tile `tile` of all as tile `to`.
    void take(const ConvGeometry& g, const float* x, TilePlace place, Index to,
              const float* zeros) const {
        const float* pixels[tile_positions];
        find_pixels(x + place.image * g.input.size(), g.input, place.y - g.window.pad_top,
                    place.x - g.window.pad_left, tile_inputs, zeros, pixels);
        spread<detail::InputStep>({.pixels = pixels,
                                   .channels = g.input.channels,
                                   .to = data + to * row,
                                   .distance = distance});
    }
};

/// The memory of the passes that go from inputs to outputs.
struct WinogradMemory {
    /// Tiles whose products with a panel of filters take half a megabyte, half of a core's own
    /// cache; and a quarter, beside weights that have just been transformed there.
    static constexpr Index most_tiles = 112, fewer_tiles = 64;

    Index tiles;            ///< of a stretch
    Index panel, distance;  ///< of a panel of weights, of its positions
    SpreadInputs inputs;
    float *weights, *products, *zeros;

    static constexpr std::size_t bytes(const ConvGeometry& g, int threads) {
        return carved_bytes<float>(weights_size(g)) +
               carved_bytes<float>(SpreadInputs(g, longest_stretch(g)).size()) +
               carved_bytes<float>(threads * products_size) + carved_bytes<float>(g.input.channels);
    }

    WinogradMemory(const ConvGeometry& g, const Scratch& scratch)
        : tiles(stretch(g)),
          panel(tile_positions * (g.input.channels / g.groups + 1) * panel_columns<float>()),
          distance(panel / tile_positions),
          inputs(g, tiles) {
        Carve carve(scratch);
        weights = carve.take<float>(weights_size(g));
        inputs.data = carve.take<float>(SpreadInputs(g, longest_stretch(g)).size());
        products = carve.take<float>(scratch.threads * products_size);
        zeros = carve.take<float>(g.input.channels);
        std::fill_n(zeros, g.input.channels, 0.0f);
    }

    /// The products of `tiles` tiles with a panel, position after position.
    float* products_of(int thread) const { return products + thread * products_size; }

private:
    static constexpr Index products_size =
        tile_positions * (most_tiles + 1) * most_panel_columns<float>;

    /// All tiles where they take no more than 12 MB, as then weights need not stay: with 16 MB C3's
    /// gradient takes a quarter longer at batch 16, and stretches of 12 MB a third at 128.
    static constexpr Index stretch(const ConvGeometry& g) {
        const Index longest = longest_stretch(g);
        return longest == Tiling(g).count() ? longest : tiles_in(g, 8);
    }
    static constexpr Index longest_stretch(const ConvGeometry& g) { return tiles_in(g, 12); }
    static constexpr Index tiles_in(const ConvGeometry& g, Index megabytes) {
        const Tiling tiling(g);
        return tiling.across *
               tiling.rows_at_once(tile_positions * (g.input.channels + winograd_lanes), megabytes);
    }
    static constexpr Index weights_size(const ConvGeometry& g) {
        return tile_positions * g.groups *
               panels_size<float>(g.input.channels / g.groups + 1, g.filters());
    }
};

}  // namespace tessera::cpu
