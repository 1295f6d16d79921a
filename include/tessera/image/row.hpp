// SPDX-License-Identifier: MIT
// RowLoops: the loops over rows of images in which resizing and normalising spend their time, for
// any width of vectors.
//
// Sums run over the taps in their order, and products are rounded before they are added: a number
// depends neither on the width of a vector nor on the processor.
//
// Measured on one core (Zen 5), a program compiled for any x86-64, the 488 patches of an image of
// 500 x 375 at 224 x 224 as 8-bit pixels: 26 ms with AVX-512, 31 with AVX2, 38 with the vectors of
// 16 bytes that every such machine has; OpenCV took 45.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tessera/core/add_product.hpp"
#include "tessera/core/with_instructions.hpp"

namespace tessera {

/// 0..255 to the nearest 8-bit value.
inline std::uint8_t to_pixel(float value) {
    return static_cast<std::uint8_t>(std::min(std::max(value, 0.0F), 255.0F) + 0.5F);
}

namespace detail {

/// Vectors of `Bytes` bytes: floats, as many whole numbers, and as many pixels.
template <int Bytes>
struct RowVectors;
template <>
struct RowVectors<16> {
    typedef float Lanes __attribute__((vector_size(16)));
    typedef std::int32_t Whole __attribute__((vector_size(16)));
    typedef std::uint8_t Pixels __attribute__((vector_size(4)));
};
template <>
struct RowVectors<32> {
    typedef float Lanes __attribute__((vector_size(32)));
    typedef std::int32_t Whole __attribute__((vector_size(32)));
    typedef std::uint8_t Pixels __attribute__((vector_size(8)));
};
template <>
struct RowVectors<64> {
    typedef float Lanes __attribute__((vector_size(64)));
    typedef std::int32_t Whole __attribute__((vector_size(64)));
    typedef std::uint8_t Pixels __attribute__((vector_size(16)));
};

/// A pixel in colour as four floats; the last is never used.
using ColourLanes = RowVectors<16>::Lanes;

/// Output x is the sum over k < taps of weights[x * taps + k] * pixel(first[x] + k); all of these
/// are among the `count` pixels from `begin` on.
struct ColourFilter {
    int begin, count;
    const int* first;
    const float* weights;
    int taps, width;
};

/// For with_instructions.
template <int Bytes>
struct RowLoops {
    using Lanes = typename RowVectors<Bytes>::Lanes;
    using Whole = typename RowVectors<Bytes>::Whole;
    using Pixels = typename RowVectors<Bytes>::Pixels;
    static constexpr int lanes = Bytes / 4;

    /// target[j] = sum over k < taps of weights[k] * rows[k * pitch + j]; reads and writes whole
    /// vectors.
    [[gnu::always_inline]] static void blend(const float* rows, std::ptrdiff_t pitch,
                                             const float* weights, int taps, int count,
                                             float* target) {
        const Lanes first = Lanes{} + weights[0];
        if (taps == 2) {  // enlarging
            const Lanes second = Lanes{} + weights[1];
            for (int j = 0; j < count; j += lanes) {
                Lanes upper, lower;
                std::memcpy(&upper, rows + j, sizeof upper);
                std::memcpy(&lower, rows + pitch + j, sizeof lower);
                Lanes sum = first * upper;
                add_product(sum, second, lower);
                std::memcpy(target + j, &sum, sizeof sum);
            }
            return;
        }
        for (int j = 0; j < count; j += lanes) {
            const float* from = rows + j;
            Lanes row;
            std::memcpy(&row, from, sizeof row);
            Lanes sum = first * row;
            for (int k = 1; k < taps; ++k) {
                from += pitch;
                std::memcpy(&row, from, sizeof row);
                add_product(sum, Lanes{} + weights[k], row);
            }
            std::memcpy(target + j, &sum, sizeof sum);
        }
    }

    /// target[j] = (source[j] - mean[j]) * scale.
    template <class Pixel>
    [[gnu::always_inline]] static void normalise(const Pixel* source, const float* mean,
                                                 float scale, int count, float* target) {
        int j = 0;
        for (; j + lanes <= count; j += lanes) {
            Lanes value, expected;
            if constexpr (std::is_same_v<Pixel, float>) {
                std::memcpy(&value, source + j, sizeof value);
            } else {
                Pixels pixels;
                std::memcpy(&pixels, source + j, sizeof pixels);
                value = __builtin_convertvector(__builtin_convertvector(pixels, Whole), Lanes);
            }
            std::memcpy(&expected, mean + j, sizeof expected);
            value = (value - expected) * scale;
            std::memcpy(target + j, &value, sizeof value);
        }
        for (; j < count; ++j) target[j] = (static_cast<float>(source[j]) - mean[j]) * scale;
    }

    /// target[j] = to_pixel(row[j]).
    [[gnu::always_inline]] static void round(const float* row, int count, std::uint8_t* target) {
        int j = 0;
        if constexpr (Bytes == 64) {
            for (; j + lanes <= count; j += lanes) {
                Whole whole;
                nearest(row + j, whole);
                const auto pixels = __builtin_convertvector(whole, Pixels);
                std::memcpy(target + j, &pixels, sizeof pixels);
            }
        }
#if defined(__SSE2__)
        using Quarters = RowLoops<16>;
        for (; j + 16 <= count; j += 16) {
            Quarters::Whole a, b, c, d;
            Quarters::nearest(row + j, a);
            Quarters::nearest(row + j + 4, b);
            Quarters::nearest(row + j + 8, c);
            Quarters::nearest(row + j + 12, d);
            const auto pixels = __builtin_ia32_packuswb128(__builtin_ia32_packssdw128(a, b),
                                                           __builtin_ia32_packssdw128(c, d));
            std::memcpy(target + j, &pixels, sizeof pixels);
        }
#endif
        for (; j < count; ++j) target[j] = to_pixel(row[j]);
    }

    /// target[3x + c] = channel c of the filter's output x. `pixels` is memory for as many as it
    /// reads; of `target` one number more is written, which the next pixel replaces.
    [[gnu::always_inline]] static void shrink_colours(const std::uint8_t* source,
                                                      const ColourFilter& filter,
                                                      ColourLanes* pixels, float* target) {
        source += 3 * filter.begin;
        const int last = filter.count - 1;
        for (int x = 0; x < last; ++x) spread<4>(source + 3 * x, pixels[x]);
        spread<3>(source + 3 * last, pixels[last]);  // nothing may lie behind it
        if (filter.taps == 2) {
            sum_colours<2>(filter, pixels, target);
        } else {
            sum_colours<0>(filter, pixels, target);
        }
    }

private:
    template <int>
    friend struct RowLoops;

    /// A pixel of three bytes, of which `Size` may be read.
    template <int Size>
    [[gnu::always_inline]] static void spread(const std::uint8_t* source, ColourLanes& pixel) {
        typedef std::uint8_t Bytes16 __attribute__((vector_size(16)));
        typedef std::uint16_t Pairs __attribute__((vector_size(16)));
        std::int32_t colour = 0;
        std::memcpy(&colour, source, Size);
        RowVectors<16>::Whole whole{};
        whole[0] = colour;
        // Zeros between the bytes, twice: on a little-endian machine the numbers themselves.
        Bytes16 bytes;
        std::memcpy(&bytes, &whole, sizeof bytes);
        bytes = __builtin_shufflevector(bytes, Bytes16{}, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                        6, 22, 7, 23);
        Pairs pairs;
        std::memcpy(&pairs, &bytes, sizeof pairs);
        pairs = __builtin_shufflevector(pairs, Pairs{}, 0, 8, 1, 9, 2, 10, 3, 11);
        std::memcpy(&whole, &pairs, sizeof whole);
        pixel = __builtin_convertvector(whole, ColourLanes);
    }

    template <int Taps>
    [[gnu::always_inline]] static void sum_colours(const ColourFilter& filter,
                                                   const ColourLanes* pixels, float* target) {
        const int taps = Taps > 0 ? Taps : filter.taps;
        const int width = filter.width;
        const int* first = filter.first;
        const float* weights = filter.weights;
        pixels -= filter.begin;
        for (int x = 0; x < width; ++x, weights += taps, target += 3) {
            const ColourLanes* from = pixels + first[x];
            ColourLanes sum = weights[0] * from[0];
            for (int k = 1; k < taps; ++k) add_product(sum, ColourLanes{} + weights[k], from[k]);
            std::memcpy(target, &sum, sizeof sum);
        }
    }

    /// As to_pixel().
    [[gnu::always_inline]] static void nearest(const float* values, Whole& whole) {
        Lanes value;
        std::memcpy(&value, values, sizeof value);
        const Lanes positive = value > 0.0F ? value : Lanes{};
        const Lanes inside = positive < 255.0F ? positive : Lanes{} + 255.0F;
        whole = __builtin_convertvector(inside + 0.5F, Whole);
    }
};

}  // namespace detail

/// target[j] = to_pixel(row[j]).
inline void round_pixels(const float* row, int count, std::uint8_t* target) {
    with_instructions([&](auto bytes) { detail::RowLoops<bytes>::round(row, count, target); });
}

}  // namespace tessera
