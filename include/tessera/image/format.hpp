// SPDX-License-Identifier: MIT
// Image files by their bytes: which format, and damage that the decoder would not notice.
//
// stb fills the rest of a truncated JPEG with grey and succeeds.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tessera {

enum class ImageFormat { jpeg, png, other };

namespace detail {

inline bool starts_with(std::span<const std::uint8_t> bytes, std::string_view magic) {
    return bytes.size() >= magic.size() &&
           std::equal(magic.begin(), magic.end(), bytes.begin(),
                      [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

inline std::size_t big_endian(std::span<const std::uint8_t> bytes, std::size_t at, int count) {
    std::size_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 8 | bytes[at + std::size_t(i)];
    return value;
}

/// True when a Huffman segment at `at`, just behind its length, has a table of more than 256 codes:
/// 16 counts a table, then a byte for each code. stb 2.27 would write past the end of its tables.
inline bool huffman_overflows(std::span<const std::uint8_t> bytes, std::size_t at,
                              std::size_t length) {
    const std::size_t end = at + length;
    while (at < end && at + 17 <= bytes.size()) {
        std::size_t codes = 0;
        for (std::size_t i = 1; i <= 16; ++i) codes += bytes[at + i];
        if (codes > 256) return true;
        at += 17 + codes;
    }
    return false;
}

/// Walks segments (marker, length, payload) and entropy-coded data up to the end marker FF D9.
inline std::string_view damage_of_jpeg(std::span<const std::uint8_t> bytes) {
    std::size_t at = 2;
    bool has_tables = false;
    while (at + 1 < bytes.size()) {
        const auto found = std::find(bytes.begin() + std::ptrdiff_t(at), bytes.end(), 0xFF);
        at = static_cast<std::size_t>(found - bytes.begin());
        while (at < bytes.size() && bytes[at] == 0xFF) ++at;  // fill bytes
        if (at >= bytes.size()) break;
        const std::uint8_t marker = bytes[at++];
        if (marker == 0xD9) return {};
        // FF 00 is a data byte; 01 and D0 .. D8 stand alone.
        if (marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD8)) continue;
        if (at + 2 > bytes.size()) break;
        const std::size_t length = std::max<std::size_t>(2, big_endian(bytes, at, 2));
        if (marker == 0xC4 && huffman_overflows(bytes, at + 2, length - 2)) {
            return "with a broken Huffman table";
        }
        has_tables = has_tables || marker == 0xC4;
        if (marker == 0xDA && !has_tables) return "without Huffman tables";
        at += length;
    }
    return "cut short";
}

/// Walks chunks (length, name, payload, checksum) up to IEND.
inline std::string_view damage_of_png(std::span<const std::uint8_t> bytes) {
    std::size_t at = 8;
    while (at + 12 <= bytes.size()) {
        const std::size_t length = big_endian(bytes, at, 4);
        const bool last = starts_with(bytes.subspan(at + 4), "IEND");
        at += 12 + length;
        if (last && at <= bytes.size()) return {};
    }
    return "cut short";
}

}  // namespace detail

inline ImageFormat format_of(std::span<const std::uint8_t> bytes) {
    if (detail::starts_with(bytes, "\xFF\xD8\xFF")) return ImageFormat::jpeg;
    if (detail::starts_with(bytes, "\x89PNG\r\n\x1A\n")) return ImageFormat::png;
    return ImageFormat::other;
}

/// Damage that the decoder would not notice, in words: "cut short" when a JPEG or PNG ends before
/// its own end mark. Empty when there is none.
inline std::string_view damage_of(std::span<const std::uint8_t> bytes) {
    switch (format_of(bytes)) {
        case ImageFormat::jpeg:
            return detail::damage_of_jpeg(bytes);
        case ImageFormat::png:
            return detail::damage_of_png(bytes);
        default:
            return {};
    }
}

/// What the first bytes look like, for messages: "a GIF image", "a web page", "unknown bytes".
inline std::string_view describe(std::span<const std::uint8_t> bytes) {
    struct Known {
        std::string_view magic, words;
    };
    static constexpr std::array known{
        Known{"\xFF\xD8", "a JPEG image"},
        Known{"\x89PNG", "a PNG image"},
        Known{"GIF8", "a GIF image"},
        Known{"BM", "a BMP image"},
        Known{"II*", "a TIFF image"},
        Known{"MM", "a TIFF image"},
        Known{"RIFF", "a WebP image"},
        Known{"%PDF", "a PDF document"},
        Known{"PK", "a zip archive"},
        Known{"\x1F\x8B", "gzip data"},
        Known{"<!", "a web page"},
        Known{"<html", "a web page"},
        Known{"<", "XML"},
        Known{"version https://git-lfs", "a Git LFS pointer, not the file itself"}};
    if (bytes.empty()) return "nothing";
    for (const Known& one : known) {
        if (detail::starts_with(bytes, one.magic)) return one.words;
    }
    const auto head = bytes.first(std::min<std::size_t>(bytes.size(), 64));
    const bool printable = std::all_of(head.begin(), head.end(), [](std::uint8_t b) {
        return (b >= 32 && b < 127) || b == '\n' || b == '\r' || b == '\t';
    });
    return printable ? "text" : "unknown bytes";
}

}  // namespace tessera
