// SPDX-License-Identifier: MIT
// How an image that is pooled is cut into pieces whose inputs fit the shared memory of a block.
#pragma once

#include <algorithm>

#include "tessera/backend/cuda/divisor.cuh"
#include "tessera/backend/geometry.hpp"

namespace tessera::cuda {

/// A tile is rows x columns of outputs, the input_rows x input_columns of pixels their windows
/// reach, and a chunk of the channels, `packs` packs of them. The last tiles may hang over.
struct PoolTiles {
    int rows = 1, columns = 1, packs = 1;
    int input_rows = 1, input_columns = 1;
    int down = 1, across = 1, chunks = 1;  ///< tiles of an image
    Divisor by_packs, by_columns, by_input_columns, by_down, by_across, by_chunks;

    /// For packs of `width` channels. The inputs of a tile are at most `capacity` packs; a chunk is
    /// at most `longest` packs, which are neighbours in memory. Of the tiles that fit, those with
    /// the fewest pixels in all, counted as often as they are in a tile.
    /// requires a window of at most `capacity` places.
    PoolTiles(const PoolGeometry& g, int width, int capacity, int longest) {
        const SlidingWindow& w = g.window;
        const auto pieces = [](int whole, int piece) { return (whole + piece - 1) / piece; };
        const auto reach = [&](int outputs, int size) { return (outputs - 1) * w.stride + size; };
        const int all = g.input.channels / width;
        chunks = pieces(all, std::max(1, std::min(longest, capacity / (w.height * w.width))));
        packs = pieces(all, chunks);
        const int pixels = capacity / packs;
        Index fewest = -1;
        for (int r = 1; r <= g.output.height && reach(r, w.height) * w.width <= pixels; ++r) {
            const int most = (pixels / reach(r, w.height) - w.width) / w.stride + 1;
            const int n = pieces(g.output.width, std::min(most, g.output.width));
            const int c = pieces(g.output.width, n);
            const Index computed =
                Index{pieces(g.output.height, r)} * n * reach(r, w.height) * reach(c, w.width);
            if (fewest >= 0 && computed >= fewest) continue;
            fewest = computed;
            rows = r;
            columns = c;
        }
        down = pieces(g.output.height, rows);
        across = pieces(g.output.width, columns);
        input_rows = reach(rows, w.height);
        input_columns = reach(columns, w.width);
        by_packs = Divisor(packs);
        by_columns = Divisor(columns);
        by_input_columns = Divisor(input_columns);
        by_down = Divisor(down);
        by_across = Divisor(across);
        by_chunks = Divisor(chunks);
    }

    Index count(int batch) const { return Index{batch} * down * across * chunks; }

    /// Where a tile lies: the first of its outputs, of its pixels and of its channels' packs.
    struct Place {
        int image, output_row, output_column, input_row, input_column, pack;
    };
    /// Of tile number `tile`, such that those which share pixels follow each other.
    __device__ Place place(int tile, const SlidingWindow& w) const {
        const int strip = by_chunks.quotient(tile), chunk = by_chunks.remainder(tile, strip);
        const int line = by_across.quotient(strip), column = by_across.remainder(strip, line);
        const int image = by_down.quotient(line), row = by_down.remainder(line, image);
        const int output_row = row * rows, output_column = column * columns;
        return {image,
                output_row,
                output_column,
                output_row * w.stride - w.pad_top,
                output_column * w.stride - w.pad_left,
                chunk * packs};
    }
};

}  // namespace tessera::cuda
