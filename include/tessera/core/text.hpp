// SPDX-License-Identifier: MIT
// Words: a text that can be a template argument, and joining values into a message.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include "tessera/core/shape.hpp"

namespace tessera {

/// A literal as a template argument: `Named<"fc6", Linear<4096>>`.
template <std::size_t Size>
struct FixedText {
    char data[Size]{};

    consteval FixedText(const char (&literal)[Size]) { std::copy_n(literal, Size, data); }
    constexpr std::string_view view() const { return {data, Size - 1}; }
};

/// One value as text; numbers in the shortest usual form, shapes as `3x224x224`. Overloads, not a
/// template, which would be compiled anew for every length of literal.
inline std::string to_text(std::string_view words) { return std::string(words); }
inline std::string to_text(const char* words) { return words; }
inline std::string to_text(bool value) { return value ? "true" : "false"; }
inline std::string to_text(char letter) { return std::string(1, letter); }
inline std::string to_text(int value) { return std::to_string(value); }
inline std::string to_text(unsigned value) { return std::to_string(value); }
inline std::string to_text(long value) { return std::to_string(value); }
inline std::string to_text(unsigned long value) { return std::to_string(value); }
inline std::string to_text(long long value) { return std::to_string(value); }
inline std::string to_text(unsigned long long value) { return std::to_string(value); }
inline std::string to_text(double value) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.6g", value);
    return digits;
}
inline std::string to_text(const Shape& shape) {
    const auto extent = [](int n) { return n == dynamic ? std::string("?") : std::to_string(n); };
    return extent(shape.channels) + "x" + extent(shape.height) + "x" + extent(shape.width);
}

/// The values one after the other: `text("found ", 3, " of ", 4)`.
template <class... Values>
std::string text(const Values&... values) {
    std::string joined;
    (joined.append(to_text(values)), ...);
    return joined;
}

}  // namespace tessera
