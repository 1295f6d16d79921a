// SPDX-License-Identifier: MIT
// The transforms of Winograd's convolution F(4 x 4, 3 x 3), lanes across channels.
//
// A tile of 4 x 4 outputs Y comes from 6 x 6 inputs X by 36 products for each pair of channel and
// filter, where the sums ask for 144 (Lavin and Gray, CVPR 2016):
//   Y = A' [(G w G') * (B' X B)] A,   dw = G' [(A dY A') * (B' X B)] G,   * element by element.
// Polynomials of the inputs and the weights are multiplied by their values at 0, +-sqrt(1/2),
// +-sqrt(2) and infinity, whose matrices have numbers closer together than those of 0, +-1, +-2.
//
// A step is one of the matrices, applied to columns, then to rows, in loops that are not unrolled:
// each transform is compiled for each set of instructions, and a user's compiler pays for it.
#pragma once

#include <cstring>

#include "tessera/core/instructions.hpp"
#include "tessera/core/shape.hpp"

namespace tessera::cpu {

/// Outputs along the side of a tile, inputs of these, and how many numbers stand for a tile.
inline constexpr int tile_outputs = 4, tile_inputs = 6, tile_positions = 36;

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

inline constexpr float root_half = 0.70710678f, root_two = 1.41421356f;

/// B'
struct InputStep {
    static constexpr int from = 6, to = 6;
    template <class Lanes>
    [[gnu::always_inline]] static inline void apply(const Lanes (&x)[6], Lanes (&y)[6]) {
        const Lanes even = x[4] - 2 * x[2], odd = root_half * x[3] - root_two * x[1];
        const Lanes even_two = x[4] - 0.5f * x[2], odd_two = root_two * x[3] - root_half * x[1];
        y[0] = x[0] + x[4] - 2.5f * x[2];
        y[1] = even + odd;
        y[2] = even - odd;
        y[3] = even_two + odd_two;
        y[4] = even_two - odd_two;
        y[5] = x[1] + x[5] - 2.5f * x[3];
    }
};

/// G
struct WeightStep {
    static constexpr int from = 3, to = 6;
    template <class Lanes>
    [[gnu::always_inline]] static inline void apply(const Lanes (&x)[3], Lanes (&y)[6]) {
        const Lanes even = (-2 / 3.0f) * x[0] - (1 / 3.0f) * x[2];
        const Lanes odd = (root_half * -2 / 3.0f) * x[1];
        const Lanes even_two = (1 / 6.0f) * x[0] + (1 / 3.0f) * x[2];
        const Lanes odd_two = (root_two / 6) * x[1];
        y[0] = x[0];
        y[1] = even + odd;
        y[2] = even - odd;
        y[3] = even_two + odd_two;
        y[4] = even_two - odd_two;
        y[5] = x[2];
    }
};

/// A'
struct OutputStep {
    static constexpr int from = 6, to = 4;
    template <class Lanes>
    [[gnu::always_inline]] static inline void apply(const Lanes (&x)[6], Lanes (&y)[4]) {
        const Lanes even = x[1] + x[2], odd = x[1] - x[2];
        const Lanes even_two = x[3] + x[4], odd_two = x[3] - x[4];
        y[0] = x[0] + even + even_two;
        y[1] = root_half * odd + root_two * odd_two;
        y[2] = 0.5f * even + 2 * even_two;
        y[3] = x[5] + (root_half / 2) * odd + (root_two * 2) * odd_two;
    }
};

/// A
struct GradientStep {
    static constexpr int from = 4, to = 6;
    template <class Lanes>
    [[gnu::always_inline]] static inline void apply(const Lanes (&x)[4], Lanes (&y)[6]) {
        const Lanes even = x[0] + 0.5f * x[2], odd = root_half * x[1] + (root_half / 2) * x[3];
        const Lanes even_two = x[0] + 2 * x[2];
        const Lanes odd_two = root_two * x[1] + (root_two * 2) * x[3];
        y[0] = x[0];
        y[1] = even + odd;
        y[2] = even - odd;
        y[3] = even_two + odd_two;
        y[4] = even_two - odd_two;
        y[5] = x[3];
    }
};

/// G'
struct WeightGradientStep {
    static constexpr int from = 6, to = 3;
    template <class Lanes>
    [[gnu::always_inline]] static inline void apply(const Lanes (&x)[6], Lanes (&y)[3]) {
        const Lanes even = x[1] + x[2], odd = x[1] - x[2];
        const Lanes even_two = x[3] + x[4], odd_two = x[3] - x[4];
        y[0] = x[0] + (1 / 6.0f) * even_two - (2 / 3.0f) * even;
        y[1] = (root_two / 6) * odd_two - (root_half * 2 / 3) * odd;
        y[2] = x[5] + (1 / 3.0f) * even_two - (1 / 3.0f) * even;
    }
};

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
            for (Index x = 0; x < g.columns; ++x) {
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

#if defined(__x86_64__)
template <class Step>
[[gnu::target("avx512f")]] void spread_avx512(const Spreading& s) {
    spread_lanes<64, Step>(s);
}
template <class Step>
[[gnu::target("avx2,fma")]] void spread_avx2(const Spreading& s) {
    spread_lanes<32, Step>(s);
}
template <class Step>
[[gnu::target("avx512f")]] void gather_avx512(const Gathering& g) {
    gather_lanes<64, Step>(g);
}
template <class Step>
[[gnu::target("avx2,fma")]] void gather_avx2(const Gathering& g) {
    gather_lanes<32, Step>(g);
}
#endif

}  // namespace detail

/// Step: InputStep, GradientStep or WeightStep.
template <class Step>
void spread(const Spreading& s) {
#if defined(__x86_64__)
    if (instructions() >= Instructions::avx512) return detail::spread_avx512<Step>(s);
    if (instructions() >= Instructions::avx2) return detail::spread_avx2<Step>(s);
#endif
    detail::spread_lanes<16, Step>(s);
}

/// Step: OutputStep or WeightGradientStep.
template <class Step>
void gather(const Gathering& g) {
#if defined(__x86_64__)
    if (instructions() >= Instructions::avx512) return detail::gather_avx512<Step>(g);
    if (instructions() >= Instructions::avx2) return detail::gather_avx2<Step>(g);
#endif
    detail::gather_lanes<16, Step>(g);
}

}  // namespace tessera::cpu
