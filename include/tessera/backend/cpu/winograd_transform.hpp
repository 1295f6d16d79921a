// SPDX-License-Identifier: MIT
// The transforms of Winograd's convolution: a matrix applied to columns, then to rows, of all
// channels of a tile.
//
// Loops over columns and rows are not unrolled: each transform is compiled for each set of
// instructions, and a user's compiler pays for it. A line of outputs is: at -O2 they would go
// through the stack.
//
// Vectors of 6 columns and of what they become stay in registers, the 36 between the two steps in
// 2.3 KB of the first-level cache. A tile of 256 channels takes a core of Zen 5 0.95 us to its
// positions, 78 GB/s, and 0.6 us from there to outputs, 89 GB/s, in the caches (bench_op_ops,
// tile3).
#pragma once

#include <cstring>

#include "tessera/backend/cpu/winograd_matrices.hpp"
#include "tessera/core/shape.hpp"
#include "tessera/core/with_instructions.hpp"

namespace tessera::cpu {

/// Channels of a transform come in multiples of this, the lanes of the longest vector.
inline constexpr Index winograd_lanes = 16;

/// From pixels to positions: to[p * distance + c] from pixels[y * side + x][c].
struct Spreading {
    const float* const* pixels = nullptr;
    Index first = 0;  ///< what c begins at in the pixels
    Index channels = 0;
    float* to = nullptr;
    Index distance = 0;
};

/// From positions to pixels: (y, x) of channel c, to[y * line + x * pixel + c], from from[p *
/// distance + c].
struct Gathering {
    const float* from = nullptr;
    Index distance = 0;
    Index channels = 0;
    float* to = nullptr;
    Index line = 0, pixel = 0;
    Index rows = 0, columns = 0;       ///< of pixels that there are
    bool accumulate = false;           ///< joins what is there
    const float* bias = nullptr;       ///< added to all pixels, unless null
    bool rectify = false;              ///< to = max(to, 0) in the end
    const float* rectified = nullptr;  ///< to = rectified > 0 ? to : 0, unless null; lies as `to`
};

namespace detail {

template <int Bytes, class Step>
[[gnu::always_inline]] inline void spread_lanes(const Spreading& s) {
    typedef float Lanes __attribute__((vector_size(Bytes)));
    constexpr int side = Step::from;
    for (Index c = 0; c < s.channels; c += Bytes / 4) {
        Lanes half[tile_inputs][side];
#pragma GCC unroll 1
        for (int x = 0; x < side; ++x) {
            Lanes column[side], sums[tile_inputs];
#pragma GCC unroll 6
            for (int y = 0; y < side; ++y) {
                std::memcpy(&column[y], s.pixels[y * side + x] + (s.first + c), sizeof(Lanes));
            }
            Step::apply(column, sums);
#pragma GCC unroll 6
            for (int y = 0; y < tile_inputs; ++y) half[y][x] = sums[y];
        }
        float* to = s.to + c;
#pragma GCC unroll 1
        for (int y = 0; y < tile_inputs; ++y) {
            Lanes sums[tile_inputs];
            Step::apply(half[y], sums);
#pragma GCC unroll 6
            for (int x = 0; x < tile_inputs; ++x, to += s.distance) {
                std::memcpy(to, &sums[x], sizeof(Lanes));
            }
        }
    }
}

template <int Bytes, class Step>
[[gnu::always_inline]] inline void gather_lanes(const Gathering& g) {
    typedef float Lanes __attribute__((vector_size(Bytes)));
    constexpr int side = Step::to;
    for (Index c = 0; c < g.channels; c += Bytes / 4) {
        Lanes half[side][tile_inputs];
#pragma GCC unroll 1
        for (int x = 0; x < tile_inputs; ++x) {
            Lanes column[tile_inputs], sums[side];
#pragma GCC unroll 6
            for (int y = 0; y < tile_inputs; ++y) {
                std::memcpy(&column[y], g.from + ((y * tile_inputs + x) * g.distance + c),
                            sizeof(Lanes));
            }
            Step::apply(column, sums);
#pragma GCC unroll 6
            for (int y = 0; y < side; ++y) half[y][x] = sums[y];
        }
        Lanes bias{};
        if (g.bias) std::memcpy(&bias, g.bias + c, sizeof bias);
        for (Index y = 0; y < g.rows; ++y) {
            Lanes sums[side];
            Step::apply(half[y], sums);
#pragma GCC unroll 4
            for (Index x = 0; x < side; ++x) {
                if (x == g.columns) break;
                const Index at = y * g.line + x * g.pixel + c;
                Lanes sum = sums[x] + bias;
                if (g.accumulate) {
                    Lanes before;
                    std::memcpy(&before, g.to + at, sizeof before);
                    sum += before;
                }
                if (g.rectify) sum = sum < Lanes{} ? Lanes{} : sum;
                if (g.rectified) {
                    Lanes outputs;
                    std::memcpy(&outputs, g.rectified + at, sizeof outputs);
                    sum = outputs > Lanes{} ? sum : Lanes{};
                }
                std::memcpy(g.to + at, &sum, sizeof sum);
            }
        }
    }
}

}  // namespace detail

/// Step: InputStep, GradientStep or WeightStep.
template <class Step>
void spread(const Spreading& s) {
    with_instructions([&](auto bytes) { detail::spread_lanes<bytes, Step>(s); });
}

/// Step: OutputStep or WeightGradientStep.
template <class Step>
void gather(const Gathering& g) {
    with_instructions([&](auto bytes) { detail::gather_lanes<bytes, Step>(g); });
}

}  // namespace tessera::cpu
