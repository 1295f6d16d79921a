// SPDX-License-Identifier: MIT
// Words: a text that can be a template argument, and values joined into a message.
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

/// A word of a message: numbers in the shortest usual form, shapes as `3x224x224`. Overloads, so
/// that a message of any values is an array of one type, which no template has to join.
class Word {
public:
    Word(std::string_view words) : words_(words) {}
    Word(const std::string& words) : words_(words) {}
    Word(const char* words) : words_(words) {}
    Word(bool value) : words_(value ? "true" : "false") {}
    Word(char letter) : Word("%c", letter) {}
    Word(int value) : Word("%d", value) {}
    Word(unsigned value) : Word("%u", value) {}
    Word(long value) : Word("%ld", value) {}
    Word(unsigned long value) : Word("%lu", value) {}
    Word(long long value) : Word("%lld", value) {}
    Word(unsigned long long value) : Word("%llu", value) {}
    Word(double value) : Word("%.6g", value) {}
    Word(const Shape& shape) {
        for (const int extent : {shape.channels, shape.height, shape.width}) {
            if (length_ > 0) own_[length_++] = 'x';
            length_ += extent == dynamic ? std::snprintf(own_ + length_, 2, "?")
                                         : std::snprintf(own_ + length_, 12, "%d", extent);
        }
        words_ = {own_, static_cast<std::size_t>(length_)};
    }
    Word(const Word&) = delete;
    Word& operator=(const Word&) = delete;

    std::string_view view() const { return words_; }

private:
    template <class Value>
    Word(const char* format, Value value)
        : length_(std::snprintf(own_, sizeof own_, format, value)),
          words_(own_, static_cast<std::size_t>(length_)) {}

    char own_[40];
    int length_ = 0;
    std::string_view words_;  // of own_, or of somebody else
};

inline std::string join(const Word* words, std::size_t count) {
    std::string joined;
    for (std::size_t i = 0; i < count; ++i) joined.append(words[i].view());
    return joined;
}

/// The values one after the other: `text("found ", 3, " of ", 4)`.
template <class... Values>
std::string text(const Values&... values) {
    const Word words[] = {values...};
    return join(words, sizeof...(values));
}

}  // namespace tessera
