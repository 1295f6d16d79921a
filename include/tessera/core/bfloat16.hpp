// SPDX-License-Identifier: MIT
// Bf16: the upper half of a float. 8 bits of exponent, 7 of fraction: the range of a float with a
// relative error of at most 2^-8, in half the memory.
#pragma once

#include <bit>
#include <cstdint>

namespace tessera {

/// A number in bfloat16. Widening is exact; narrowing rounds to the nearest, ties to even, to
/// infinity beyond the range, and keeps NaN.
struct Bf16 {
    std::uint16_t bits;

    Bf16() = default;
    constexpr explicit Bf16(float value) : bits(narrowed(value)) {}
    constexpr operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

private:
    static constexpr std::uint16_t narrowed(float value) {
        const auto wide = std::bit_cast<std::uint32_t>(value);
        // Adding could carry a NaN over to infinity; a quiet one keeps its upper bits. Both are
        // computed, so that loops vectorise.
        const std::uint32_t quiet = wide >> 16 | 0x40;
        const std::uint32_t rounded = (wide + 0x7FFF + (wide >> 16 & 1)) >> 16;
        return static_cast<std::uint16_t>(value != value ? quiet : rounded);
    }
};

static_assert(sizeof(Bf16) == 2);

namespace detail {

/// Not std::conditional_t, whose long name nvcc hands to the host's compiler without a `typename`.
template <class T>
struct MasterOf {
    using type = T;
};
template <>
struct MasterOf<Bf16> {
    using type = float;
};

}  // namespace detail

/// The type in which the parameters of a network with elements of type T are kept, learn and are
/// saved, and in which it takes inputs from the host: float for Bf16, else T itself.
template <class T>
using Master = typename detail::MasterOf<T>::type;

}  // namespace tessera
