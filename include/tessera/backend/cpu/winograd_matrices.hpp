// SPDX-License-Identifier: MIT
// The matrices of Winograd's convolution F(4 x 4, 3 x 3).
//
// A tile of 4 x 4 outputs Y comes from 6 x 6 inputs X by 36 products for each pair of channel and
// filter, where the sums ask for 144 (Lavin and Gray, CVPR 2016):
//   Y = A' [(G w G') * (B' X B)] A,   dw = G' [(A dY A') * (B' X B)] G,   * element by element.
// Polynomials of the inputs and the weights are multiplied by their values at 0, +-sqrt(1/2),
// +-sqrt(2) and infinity, whose matrices have numbers closer together than those of 0, +-1, +-2.
//
// A step multiplies a column by one of the matrices, numbers or vectors of them, lanes across
// channels.
#pragma once

namespace tessera::cpu {

/// Outputs along the side of a tile, inputs of these, and how many numbers stand for a tile.
inline constexpr int tile_outputs = 4, tile_inputs = 6, tile_positions = 36;

namespace detail {

inline constexpr float root_half = 0.70710678f, root_two = 1.41421356f;

/// B'
struct InputStep {
    static constexpr int from = 6, to = 6;
    template <class Lanes>
    [[gnu::always_inline]] static constexpr void apply(const Lanes (&x)[6], Lanes (&y)[6]) {
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
    [[gnu::always_inline]] static constexpr void apply(const Lanes (&x)[3], Lanes (&y)[6]) {
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
    [[gnu::always_inline]] static constexpr void apply(const Lanes (&x)[6], Lanes (&y)[4]) {
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
    [[gnu::always_inline]] static constexpr void apply(const Lanes (&x)[4], Lanes (&y)[6]) {
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
    [[gnu::always_inline]] static constexpr void apply(const Lanes (&x)[6], Lanes (&y)[3]) {
        const Lanes even = x[1] + x[2], odd = x[1] - x[2];
        const Lanes even_two = x[3] + x[4], odd_two = x[3] - x[4];
        y[0] = x[0] + (1 / 6.0f) * even_two - (2 / 3.0f) * even;
        y[1] = (root_two / 6) * odd_two - (root_half * 2 / 3) * odd;
        y[2] = x[5] + (1 / 3.0f) * even_two - (1 / 3.0f) * even;
    }
};

}  // namespace detail

}  // namespace tessera::cpu
