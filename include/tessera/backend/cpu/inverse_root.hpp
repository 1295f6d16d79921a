// SPDX-License-Identifier: MIT
// 1 / sqrt(x) in additions and multiplications: std::sqrt may set errno, which keeps compilers from
// vectorising a loop around it.
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

}  // namespace tessera::cpu
