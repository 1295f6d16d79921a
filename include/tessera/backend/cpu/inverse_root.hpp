// SPDX-License-Identifier: MIT
// 1 / sqrt(x) and x^(-1/4) in additions and multiplications: std::sqrt may set errno, which keeps
// compilers from vectorising a loop around it.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
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

/// y = x^(-1/4) in each lane of V (lanes.hpp), to the precision of its numbers, for positive,
/// finite, normal x. At 0 it is finite.
///
/// The guess takes a quarter of the exponent (right to 3.1 %). With t = 1 - x y^4 the root is y (1
/// - t)^(-1/4); three terms of that cube the error of y.
template <class V>
[[gnu::always_inline]] inline void inverse_fourth_root(const typename V::Lanes& x,
                                                       typename V::Lanes& y) {
    using S = typename V::Number;
    constexpr bool single = std::is_same_v<S, float>;
    constexpr auto magic =
        static_cast<typename V::Integer>(single ? 0x4F586000 : 0x4FEB0C0000000000);
    typename V::Integers bits;
    std::memcpy(&bits, &x, sizeof bits);
    bits = magic - (bits >> 2);
    std::memcpy(&y, &bits, sizeof bits);
#pragma GCC unroll 3
    for (int step = 0; step < (single ? 2 : 3); ++step) {
        const auto square = y * y;
        const auto t = S{1} - x * square * square;
        y += y * t * (S(0.25) + S(0.15625) * t);
    }
}

}  // namespace tessera::cpu
