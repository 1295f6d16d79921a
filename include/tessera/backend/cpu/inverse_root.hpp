// SPDX-License-Identifier: MIT
// 1 / sqrt(x) and x^(-3/4) in additions and multiplications: std::sqrt may set errno, which keeps
// compilers from vectorising a loop around it.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace tessera::cpu {

/// To the precision of T, for positive, finite, normal x. At 0 it is finite, so that x *
/// inverse_root(x) is 0 there.
///
/// The first guess halves the exponent (right to 3.5 %); each step of Newton's method squares the
/// error.
template <class T>
constexpr T inverse_root(T x) {
    constexpr bool single = std::is_same_v<T, float>;
    using Bits = std::conditional_t<single, std::int32_t, std::int64_t>;
    static_assert(sizeof(T) == sizeof(Bits));
    constexpr Bits magic = single ? Bits{0x5F3759DF} : static_cast<Bits>(0x5FE6EB50C7B537A9);
    const T guess = std::bit_cast<T>(magic - (std::bit_cast<Bits>(x) >> 1));
    const T half = T(0.5) * x;
    const auto refined = [half](T y) { return y * (T(1.5) - half * y * y); };
    const T root = refined(refined(refined(guess)));  // a loop would not be unrolled at -O2
    return single ? root : refined(root);
}

/// x^(-3/4), to the precision of T, for positive, finite, normal x. At 0 it is finite.
///
/// The guess takes three quarters of the exponent (right to 4.4 %). With t = 1 - x^3 y^4 the power
/// is y (1 - t)^(-1/4); three terms of that cube the error of y.
template <class T>
constexpr T inverse_three_quarters(T x) {
    constexpr bool single = std::is_same_v<T, float>;
    using Bits = std::conditional_t<single, std::int32_t, std::int64_t>;
    static_assert(sizeof(T) == sizeof(Bits));
    constexpr Bits magic = single ? Bits{0x6F149DF0} : static_cast<Bits>(0x6FE293BE00000000);
    const Bits bits = std::bit_cast<Bits>(x);
    const T guess = std::bit_cast<T>(magic - (bits - (bits >> 2)));
    const auto refined = [x](T y) {
        const T root = x * y;  // x^(1/4): neither its square nor root * y overflows
        const T t = T{1} - root * root * (root * y);
        return y + y * t * (T(0.25) + T(0.15625) * t);
    };
    const T power = refined(refined(guess));
    return single ? power : refined(power);
}

}  // namespace tessera::cpu
