// SPDX-License-Identifier: MIT
// Words: a text that can be a template argument, and joining values into a message.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>

#include "tessera/core/shape.hpp"

namespace tessera {

/// A literal as a template argument: `Named<"fc6", Linear<4096>>`.
template <std::size_t Size>
struct FixedText {
    char data[Size]{};

    consteval FixedText(const char (&literal)[Size]) { std::copy_n(literal, Size, data); }
    constexpr std::string_view view() const { return {data, Size - 1}; }
};

/// One value as text; numbers in the shortest usual form, shapes as `3x224x224`.
template <class Value>
std::string to_text(const Value& value) {
    if constexpr (std::is_same_v<Value, bool>) {
        return value ? "true" : "false";
    } else if constexpr (std::is_same_v<Value, char>) {
        return std::string(1, value);
    } else if constexpr (std::integral<Value>) {
        return std::to_string(value);
    } else if constexpr (std::floating_point<Value>) {
        char digits[32];
        std::snprintf(digits, sizeof digits, "%.6g", static_cast<double>(value));
        return digits;
    } else if constexpr (std::is_same_v<Value, Shape>) {
        auto extent = [](int n) { return n == dynamic ? std::string("?") : std::to_string(n); };
        return extent(value.channels) + "x" + extent(value.height) + "x" + extent(value.width);
    } else {
        return std::string(value);
    }
}

/// The values one after the other: `text("found ", 3, " of ", 4)`.
template <class... Values>
std::string text(const Values&... values) {
    std::string joined;
    (joined.append(to_text(values)), ...);
    return joined;
}

}  // namespace tessera
