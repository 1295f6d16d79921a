// SPDX-License-Identifier: MIT
// The element types of a safetensors file, and their conversion to float and double.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "tessera/core/error.hpp"
#include "tessera/core/shape.hpp"

namespace tessera {

/// In the order in which the format's own library sorts them: by alignment, smallest first.
enum class Dtype { boolean, u8, i8, i16, u16, f16, bf16, i32, u32, f32, f64, i64, u64 };

namespace detail {

struct DtypeFacts {
    std::string_view name;
    Index bytes;
};

inline constexpr std::array<DtypeFacts, 13> dtype_facts{{{"BOOL", 1},
                                                         {"U8", 1},
                                                         {"I8", 1},
                                                         {"I16", 2},
                                                         {"U16", 2},
                                                         {"F16", 2},
                                                         {"BF16", 2},
                                                         {"I32", 4},
                                                         {"U32", 4},
                                                         {"F32", 4},
                                                         {"F64", 8},
                                                         {"I64", 8},
                                                         {"U64", 8}}};

}  // namespace detail

/// As written in the file: "F32".
constexpr std::string_view dtype_name(Dtype dtype) {
    return detail::dtype_facts[static_cast<std::size_t>(dtype)].name;
}

/// Bytes per element.
constexpr Index dtype_bytes(Dtype dtype) {
    return detail::dtype_facts[static_cast<std::size_t>(dtype)].bytes;
}

/// Nothing for a name that is not in the list.
constexpr std::optional<Dtype> dtype_from_name(std::string_view name) {
    for (std::size_t i = 0; i < detail::dtype_facts.size(); ++i) {
        if (detail::dtype_facts[i].name == name) return static_cast<Dtype>(i);
    }
    return std::nullopt;
}

/// IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits. Exact.
constexpr float float_from_half(std::uint16_t half) {
    const std::uint32_t sign = std::uint32_t(half & 0x8000u) << 16;
    const std::uint32_t exponent = (half >> 10) & 31u;
    const std::uint32_t fraction = half & 1023u;
    if (exponent == 0) {  // zero and subnormals: fraction * 2^-24
        const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    const std::uint32_t widened = exponent == 31 ? 255 : exponent + (127 - 15);
    return std::bit_cast<float>(sign | widened << 23 | fraction << 13);
}

/// The upper half of a float. Exact.
constexpr float float_from_bfloat(std::uint16_t bits) {
    return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

namespace detail {

template <class Stored, class T, class Convert>
void convert_numbers(std::span<const std::uint8_t> bytes, std::span<T> numbers, Convert convert) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        Stored stored;  // the bytes need not be aligned
        std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
        numbers[i] = static_cast<T>(convert(stored));
    }
}

}  // namespace detail

/// Converts F16, BF16, F32 or F64 elements to float or double; from F64 to float by rounding to
/// nearest. requires bytes.size() == numbers.size() * dtype_bytes(dtype). Throws Error for other
/// element types.
template <class T>
void read_numbers(Dtype dtype, std::span<const std::uint8_t> bytes, std::span<T> numbers) {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
    const auto same = [](auto number) { return number; };
    require(bytes.size() == numbers.size() * static_cast<std::size_t>(dtype_bytes(dtype)), "found ",
            bytes.size(), " bytes of ", dtype_name(dtype), ", expected ", numbers.size(),
            " elements");
    switch (dtype) {
        case Dtype::f16:
            return detail::convert_numbers<std::uint16_t>(bytes, numbers, float_from_half);
        case Dtype::bf16:
            return detail::convert_numbers<std::uint16_t>(bytes, numbers, float_from_bfloat);
        case Dtype::f32:
            return detail::convert_numbers<float>(bytes, numbers, same);
        case Dtype::f64:
            return detail::convert_numbers<double>(bytes, numbers, same);
        default:
            fail("found element type ", dtype_name(dtype), ", expected F16, BF16, F32 or F64");
    }
}

}  // namespace tessera
