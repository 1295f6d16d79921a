// SPDX-License-Identifier: MIT
// HTML as a type of its own: words become part of a page only through an escape, so that a class
// called "<script>" stays a name.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "tessera/io/json_reader.hpp"

namespace report {

/// `words` with names for the five characters that mean something in HTML, and without what HTML
/// does not allow: control characters become spaces, bytes that are not UTF-8 become U+FFFD.
inline std::string escaped(std::string_view words) {
    constexpr std::string_view special = "&<>\"'";
    constexpr std::string_view names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    std::string safe;
    safe.reserve(words.size());
    for (std::size_t i = 0; i < words.size();) {
        const std::size_t length = tessera::detail::utf8_length(words.substr(i));
        const char c = words[i];
        const bool control = (c >= 0 && c < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
        if (const auto found = special.find(c); found != std::string_view::npos) {
            safe += names[found];
        } else if (length == 0) {
            safe += "\uFFFD";
        } else {
            safe += control ? " " : words.substr(i, length);
        }
        i += length == 0 ? 1 : length;
    }
    return safe;
}

/// A piece of a page.
class Html {
public:
    Html() = default;
    /// Markup as it stands: for literals of this program only.
    static Html literal(std::string_view code) { return Html(std::string(code)); }
    static Html words(std::string_view words) { return Html(escaped(words)); }

    Html& operator+=(const Html& other) {
        code_ += other.code_;
        return *this;
    }
    friend Html operator+(Html left, const Html& right) { return std::move(left += right); }
    bool empty() const { return code_.empty(); }
    const std::string& code() const { return code_; }

private:
    explicit Html(std::string code) : code_(std::move(code)) {}

    std::string code_;
};

inline Html words(std::string_view words) { return Html::words(words); }

/// name="value"; a pair with an empty name is left out.
using Attributes = std::initializer_list<std::pair<std::string_view, std::string>>;

namespace detail {

inline std::string opening(std::string_view name, Attributes attributes) {
    std::string code = "<" + std::string(name);
    for (const auto& [key, value] : attributes) {
        if (!key.empty()) code += " " + std::string(key) + "=\"" + escaped(value) + "\"";
    }
    return code;
}

}  // namespace detail

/// <name ...>content</name>
inline Html element(std::string_view name, Attributes attributes, const Html& content) {
    return Html::literal(detail::opening(name, attributes) + ">" + content.code() + "</" +
                         std::string(name) + ">");
}
inline Html element(std::string_view name, const Html& content) {
    return element(name, {}, content);
}

/// <name ... />: img and meta, and the shapes of SVG.
inline Html leaf(std::string_view name, Attributes attributes) {
    return Html::literal(detail::opening(name, attributes) + "/>");
}

inline Html paragraph(std::string_view sentence) { return element("p", words(sentence)); }
inline Html note(std::string_view sentence) {
    return element("p", {{"class", "note"}}, words(sentence));
}

}  // namespace report
