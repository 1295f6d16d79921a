// SPDX-License-Identifier: MIT
// Image: 8-bit pixels, rows from top to bottom, channels interleaved (RGB or grey).
#pragma once

#include <cstdint>
#include <vector>

#include "tessera/core/shape.hpp"

namespace tessera {

/// Owns its pixels: pixels[(y * width + x) * channels + c].
struct Image {
    int width = 0;
    int height = 0;
    int channels = 3;
    std::vector<std::uint8_t> pixels;

    Image() = default;
    Image(int columns, int rows, int channel_count = 3)
        : width(columns),
          height(rows),
          channels(channel_count),
          pixels(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows) *
                 static_cast<std::size_t>(channel_count)) {}

    bool empty() const { return pixels.empty(); }
    Shape shape() const { return {channels, height, width}; }
    std::uint8_t* row(int y) {
        return pixels.data() + std::size_t(y) * std::size_t(width) * std::size_t(channels);
    }
    const std::uint8_t* row(int y) const {
        return pixels.data() + std::size_t(y) * std::size_t(width) * std::size_t(channels);
    }
    std::uint8_t& at(int x, int y, int c) { return row(y)[x * channels + c]; }
    std::uint8_t at(int x, int y, int c) const { return row(y)[x * channels + c]; }

    friend bool operator==(const Image&, const Image&) = default;
};

}  // namespace tessera
