// SPDX-License-Identifier: MIT
// Fingerprint: 64 bits that tell two pieces of data apart; no protection against forgery.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tessera {

/// FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923): value = (value ^ byte) * prime for each byte.
/// Texts and blocks are followed by their length, so that "ab", "c" and "a", "bc" differ.
class Fingerprint {
public:
    constexpr void add(std::string_view words) {
        for (const char c : words) mix(static_cast<unsigned char>(c));
        add(words.size());
    }
    constexpr void add(std::span<const std::uint8_t> bytes) {
        for (const std::uint8_t byte : bytes) mix(byte);
        add(bytes.size());
    }
    /// Numbers count as eight bytes, whatever their type.
    template <std::integral Number>
    constexpr void add(Number number) {
        for (int shift = 0; shift < 64; shift += 8) {
            mix(static_cast<std::uint8_t>(static_cast<std::uint64_t>(number) >> shift));
        }
    }
    constexpr std::uint64_t value() const { return value_; }

private:
    constexpr void mix(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001B3ull; }

    std::uint64_t value_ = 0xCBF29CE484222325ull;
};

/// Sixteen hexadecimal digits.
inline std::string hexadecimal(std::uint64_t value) {
    std::string digits(16, '0');
    for (std::size_t i = 16; i-- > 0; value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
    return digits;
}

}  // namespace tessera
