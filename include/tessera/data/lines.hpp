// SPDX-License-Identifier: MIT
// Text files of one entry per line, and the numbers in them.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"

namespace tessera::detail {

inline constexpr std::string_view blanks = " \t\r\n\v\f";

inline std::string_view trimmed(std::string_view words) {
    const auto begin = words.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return words.substr(begin, words.find_last_not_of(blanks) - begin + 1);
}

/// Parts without blanks.
inline std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> words;
    for (std::size_t begin = 0; (begin = line.find_first_not_of(blanks, begin)) < line.size();) {
        const std::size_t end = std::min(line.find_first_of(blanks, begin), line.size());
        words.push_back(line.substr(begin, end - begin));
        begin = end;
    }
    return words;
}

/// The whole of `word` as a number, finite. Throws Error that begins with `where`.
template <class Number>
Number parse_number(std::string_view word, std::string_view where, std::string_view expected) {
    Number value{};
    const char* end = word.data() + word.size();
    const auto [last, error] = std::from_chars(word.data(), end, value);
    bool good = error == std::errc{} && last == end;
    if constexpr (std::is_floating_point_v<Number>) good = good && std::isfinite(value);
    require(good, where, "found '", word, "', expected ", expected);
    return value;
}

/// The shortest decimal that reads back as the same number.
inline std::string shortest(double value) {
    char digits[32];
    const auto result = std::to_chars(digits, digits + sizeof digits, value);
    return {digits, result.ptr};
}

/// One line of a file that has more than blanks.
struct Line {
    const std::string& path;
    int number;             // counts from 1
    std::string_view text;  // without blanks at either end

    /// `path:12: `, the begin of a message.
    std::string where() const { return path + ":" + std::to_string(number) + ": "; }
};

/// Calls visit(Line) for each line that has more than blanks. Throws Error when the file cannot be
/// read.
template <class Visit>
void read_lines(const std::string& path, Visit visit) {
    const std::vector<std::uint8_t> bytes = read_file(path);
    std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (int number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = trimmed(rest.substr(0, end));
        if (!line.empty()) visit(Line{path, number, line});
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
}

}  // namespace tessera::detail
