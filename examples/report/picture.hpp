// SPDX-License-Identifier: MIT
// Pictures inside the page: base64 in a data URI.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "report/html.hpp"
#include "tessera/image/codec.hpp"
#include "tessera/image/resize.hpp"

namespace report {

/// RFC 4648, section 4.
inline std::string base64(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string code;
    code.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < left ? bytes[i + k] : 0U);
        for (std::size_t k = 0; k < 4; ++k) {
            code += k <= left ? digits[group >> (18 - 6 * k) & 63U] : '=';
        }
    }
    return code;
}

/// A picture read whole. Throws Error naming the file when it is missing or neither JPEG nor PNG.
struct Picture {
    std::string data;  ///< data URI
    int width = 0;
    int height = 0;

    static Picture read(const std::string& path) { return of(tessera::read_file(path), path); }

    /// As a JPEG at most `widest` pixels wide, which is twice what the page shows, where that has
    /// fewer bytes: a page with some hundred photographs stays small enough to send.
    static Picture read_small(const std::string& path, int widest = 560) {
        const std::vector<std::uint8_t> bytes = tessera::read_file(path);
        tessera::Image picture = tessera::decode(bytes, {}, path);
        if (picture.width > widest) {
            const int height = std::max(1, widest * picture.height / picture.width);
            picture = tessera::resize(picture, tessera::Extent{widest, height});
        }
        const std::vector<std::uint8_t> small = tessera::encode_jpeg(picture, 85);
        return of(small.size() < bytes.size() ? small : bytes, path);
    }

    /// `name` stands for the bytes in messages.
    static Picture of(std::span<const std::uint8_t> bytes, const std::string& name) {
        const tessera::Shape shape = tessera::image_shape(bytes, name);
        const bool png = tessera::format_of(bytes) == tessera::ImageFormat::png;
        return {std::string("data:image/") + (png ? "png" : "jpeg") + ";base64," + base64(bytes),
                shape.width, shape.height};
    }
};

/// `alternative`: what the picture shows, for those who do not see it.
inline Html image(const Picture& picture, const std::string& alternative) {
    return leaf("img", {{"src", picture.data},
                        {"width", std::to_string(picture.width)},
                        {"height", std::to_string(picture.height)},
                        {"alt", alternative}});
}

/// <figure> with its <figcaption>.
inline Html figure(const Html& content, const Html& caption) {
    return element("figure", content + element("figcaption", caption));
}

}  // namespace report
