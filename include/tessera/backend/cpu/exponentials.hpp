// SPDX-License-Identifier: MIT
// The exponentials of a row and their sum, in loops that vectorise: std::exp is a call for each
// element. With the largest and the quotients, 128 rows of 1,000 take 0.025 ms, 2.5 numbers a
// nanosecond and core of Zen 5 (bench_op_ops, softmax); arithmetic is the limit.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/core/bfloat16.hpp"

namespace tessera::cpu {

/// exp(x) for -88 <= x <= 88, to 2 units in the last place; 0 below -87.7. NaN stays NaN.
///
/// x = n log(2) + r with |r| <= log(2) / 2, and exp(r) = 1 + r + r^2 p(r), p of degree 5.
constexpr float exponential(float x) {
    constexpr float one_and_half = 0x1.8p23f;  // what is added to it is rounded to an integer
    const std::int32_t n = std::bit_cast<std::int32_t>(x * 1.44269504f + one_and_half) -
                           std::bit_cast<std::int32_t>(one_and_half);
    const float whole = static_cast<float>(n);
    // log(2) in two parts: the product with the first is exact.
    const float r = x - whole * 0.693359375f + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    // Of n = -127, as at -88, these are the bits of 0.
    const float scale = std::bit_cast<float>(static_cast<std::uint32_t>(n + 127) << 23);
    return (p * (r * r) + r + 1.0f) * scale;
}
inline double exponential(double x) { return std::exp(x); }

namespace detail {

inline constexpr Index row_lanes = 32;

/// The last of a tree of op(a, b) over the lanes.
template <class T, class Op>
T fold(T (&lanes)[row_lanes], const Op& op) {
    for (Index half = row_lanes / 2; half > 0; half /= 2) {
        for (Index i = 0; i < half; ++i) lanes[i] = op(lanes[i], lanes[i + half]);
    }
    return lanes[0];
}

}  // namespace detail

/// The largest of count >= 1 numbers. A NaN may get lost.
template <class T>
[[gnu::always_inline]] inline Master<T> largest(Index count, const T* x) {
    using S = Master<T>;
    const auto larger = [](S a, S b) { return a < b ? b : a; };
    S tops[detail::row_lanes];
    for (S& top : tops) top = x[0];
    in_overlapping_pieces<detail::row_lanes>(count, [&](Index at, auto length) {
        for (Index i = 0; i < length; ++i) tops[i] = larger(tops[i], x[at + i]);
    });
    return detail::fold(tops, larger);
}

/// The sum of value(i), in double.
template <class Value>
[[gnu::always_inline]] inline double sum_of(Index count, const Value& value) {
    double sums[detail::row_lanes] = {};
    in_pieces<detail::row_lanes>(count, [&](Index at, auto length) {
        for (Index i = 0; i < length; ++i) sums[i] += static_cast<double>(value(at + i));
    });
    return detail::fold(sums, [](double a, double b) { return a + b; });
}

/// to[i] = exp(x[i] - top), and their sum. `to` may be null, and may be x.
template <class T>
[[gnu::always_inline]] inline double exponentials(Index count, const T* x, Master<T> top,
                                                  Master<T>* to) {
    using S = Master<T>;
    constexpr Index lanes = detail::row_lanes;
    constexpr S least = std::is_same_v<S, float> ? S(-88) : std::numeric_limits<S>::lowest();
    double sums[lanes] = {};
    in_pieces<lanes>(count, [&](Index at, auto length) {
        S powers[lanes];
        for (Index i = 0; i < length; ++i) {
            const S difference = x[at + i] - top;
            powers[i] = difference < least ? least : difference;
        }
        // A loop of its own: in one, compilers branch around what a constant makes constant.
        for (Index i = 0; i < length; ++i) powers[i] = exponential(powers[i]);
        for (Index i = 0; i < length; ++i) sums[i] += static_cast<double>(powers[i]);
        for (Index i = 0; to && i < length; ++i) to[at + i] = powers[i];
    });
    return detail::fold(sums, [](double a, double b) { return a + b; });
}

/// to[i] = factor(sum) * exp(x[i] - top), and the sum of the exponentials. `to` may be null.
template <class T, class Factor>
[[gnu::always_inline]] inline double scaled_exponentials(Index count, const T* x, Master<T> top,
                                                         T* to, const Factor& factor) {
    using S = Master<T>;
    if constexpr (std::is_same_v<S, T>) {
        const double sum = exponentials(count, x, top, to);
        const S scale = static_cast<S>(factor(sum));
        if (to) compute_run(count, to, [=](Index i) { return to[i] * scale; });
        return sum;
    } else {
        // Powers that were rounded would be rounded twice: they are computed again.
        constexpr Index lanes = detail::row_lanes;
        const double sum = exponentials(count, x, top, nullptr);
        const S scale = static_cast<S>(factor(sum));
        for (Index at = 0; to && at < count; at += lanes) {
            S powers[lanes];
            const Index length = std::min(lanes, count - at);
            exponentials(length, x + at, top, powers);
            compute_run(length, to + at, [&](Index i) { return powers[i] * scale; });
        }
        return sum;
    }
}

}  // namespace tessera::cpu
