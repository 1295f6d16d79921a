// SPDX-License-Identifier: MIT
// JPEG and PNG: decoded to 8-bit pixels and encoded from them. The only header that includes stb.
#pragma once

#include <algorithm>
#include <climits>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"
#include "tessera/image/format.hpp"
#include "tessera/image/image.hpp"

// stb's own includes come first, so that inside the namespace below they are empty.
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

namespace tessera::detail {

/// What stb may still allocate for the file at hand: a PNG of one pixel may hold gigabytes of
/// zeros, and stb would unpack them all.
inline thread_local std::size_t stb_allowance = SIZE_MAX;

inline void* stb_reallocate(void* memory, std::size_t size) {
    return size <= stb_allowance ? std::realloc(memory, size) : nullptr;
}

}  // namespace tessera::detail

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#if defined(STBI_INCLUDE_STB_IMAGE_H) || defined(INCLUDE_STB_IMAGE_WRITE_H)
#error "tessera: include tessera/image/codec.hpp before stb_image.h and stb_image_write.h"
#endif
// A namespace of its own and internal linkage: several translation units may include this header,
// and a program may use another copy of stb, implemented in a unit that does not include it.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
// A damaged file must not end the program, nor show what memory held before: a JPEG without Huffman
// tables is decoded with whatever lies in their place.
#define STBI_ASSERT(holds) static_cast<void>(holds)
#define STBI_MALLOC(size) ::calloc(1, size)
#define STBI_REALLOC(memory, size) ::tessera::detail::stb_reallocate(memory, size)
#define STBI_FREE(memory) ::free(memory)
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
namespace tessera::stb {
#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>
#else
#include <stb_image.h>
#include <stb_image_write.h>
#endif
}  // namespace tessera::stb
#undef STB_IMAGE_IMPLEMENTATION
#undef STB_IMAGE_STATIC
#undef STBI_ONLY_JPEG
#undef STBI_ONLY_PNG
#undef STBI_NO_STDIO
#undef STBI_ASSERT
#undef STBI_MALLOC
#undef STBI_REALLOC
#undef STBI_FREE
#undef STB_IMAGE_WRITE_IMPLEMENTATION
#undef STB_IMAGE_WRITE_STATIC
#undef STBI_WRITE_NO_STDIO
#undef STBI_INCLUDE_STB_IMAGE_H
#undef INCLUDE_STB_IMAGE_WRITE_H
#undef STBIDEF
#undef STBIWDEF

namespace tessera {

struct DecodeOptions {
    /// Of the result, 3 (RGB) or 1 (grey), whatever the file has: grey becomes RGB, CMYK becomes
    /// RGB, a palette is looked up, alpha is dropped, 16 bits keep their upper 8.
    int channels = 3;
    /// A larger image is refused before any of its pixels is allocated.
    Index most_pixels = Index{1} << 27;
    /// read_image() refuses a larger file before it reads it: a sparse one may state any size. The
    /// default is what most_pixels of four 16-bit channels take as they are.
    std::uint64_t most_bytes = std::uint64_t{1} << 30;
};

namespace detail {

inline int stb_length(std::span<const std::uint8_t> bytes) {
    return static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
}

inline void append_bytes(void* target, void* data, int size) {
    auto& bytes = *static_cast<std::vector<std::uint8_t>*>(target);
    const auto* first = static_cast<const std::uint8_t*>(data);
    // Not insert(), in which g++ 12 at -O3 sees writing beyond the end.
    for (int i = 0; i < size; ++i) bytes.push_back(first[i]);
}

}  // namespace detail

/// Channels, height and width as the header of a JPEG or PNG states them, without decoding.
/// `name` stands for the bytes in messages. Throws Error.
inline Shape image_shape(std::span<const std::uint8_t> bytes, std::string_view name = "image") {
    require(!bytes.empty(), name, ": empty file, expected a JPEG or PNG image");
    require(format_of(bytes) != ImageFormat::other, name, ": found ", describe(bytes), " (",
            bytes.size(), " bytes), expected a JPEG or PNG image");
    const std::string_view damage = damage_of(bytes);
    require(damage.empty(), name, ": found ", describe(bytes), " ", damage, " (", bytes.size(),
            " bytes), expected a whole one");
    int width = 0, height = 0, channels = 0;
    const int found = stb::stbi_info_from_memory(bytes.data(), detail::stb_length(bytes), &width,
                                                 &height, &channels);
    require(found != 0, name, ": found ", describe(bytes), " of ", bytes.size(),
            " bytes whose header cannot be read (", stb::stbi_failure_reason(),
            "), expected a whole JPEG or PNG");
    return {channels, height, width};
}

/// Decodes a JPEG (baseline or progressive; grey, YCbCr, CMYK, YCCK) or PNG (any). Orientation
/// tags are not applied: annotations refer to the pixels as stored. Throws Error saying what was
/// found: nothing, another format, a file cut short, damaged data, or more pixels than allowed.
inline Image decode(std::span<const std::uint8_t> bytes, const DecodeOptions& options = {},
                    std::string_view name = "image") {
    require(options.channels == 1 || options.channels == 3,
            "decode: channels must be 1 or 3, found ", options.channels);
    const Shape stored = image_shape(bytes, name);
    require(stored.area() <= options.most_pixels, name, ": the header states ", stored.width, " x ",
            stored.height, " pixels, expected at most ", options.most_pixels);
    require(bytes.size() <= INT_MAX, name, ": ", bytes.size(), " bytes, expected less than 2 GiB");
    // The raw rows of a PNG have at most 4 channels of 2 bytes and a byte each in front, once more
    // for an interlaced one; stb doubles what it has until they fit.
    detail::stb_allowance =
        static_cast<std::size_t>(stored.area() * 32 + stored.height * 8) + 65536;
    int width = 0, height = 0, channels = 0;
    struct Pixels {
        std::uint8_t* data;
        ~Pixels() { stb::stbi_image_free(data); }
    };
    const Pixels pixels{stb::stbi_load_from_memory(bytes.data(), detail::stb_length(bytes), &width,
                                                   &height, &channels, options.channels)};
    detail::stb_allowance = SIZE_MAX;
    require(pixels.data, name, ": found ", describe(bytes), " of ", bytes.size(),
            " bytes that cannot be decoded (", stb::stbi_failure_reason(),
            "), expected a whole JPEG or PNG");
    Image image;
    try {
        image = Image(width, height, options.channels);
    } catch (const std::bad_alloc&) {
        fail(name, ": found no memory for ", width, " x ", height, " pixels");
    }
    std::copy_n(pixels.data, image.pixels.size(), image.pixels.data());
    return image;
}

/// Reads and decodes a file. Throws Error naming the path.
inline Image read_image(const std::string& path, const DecodeOptions& options = {}) {
    return decode(read_file(path, options.most_bytes), options, path);
}

/// The bytes of a PNG file. requires 1 (grey) or 3 (RGB) channels and at least one pixel.
inline std::vector<std::uint8_t> encode_png(const Image& image) {
    require(!image.empty(), "encode_png: the image is empty");
    std::vector<std::uint8_t> bytes;
    const int written = stb::stbi_write_png_to_func(
        detail::append_bytes, &bytes, image.width, image.height, image.channels,
        image.pixels.data(), image.width * image.channels);
    require(written != 0, "encode_png: cannot encode an image of ", image.shape());
    return bytes;
}

/// The bytes of a JPEG file; `quality` from 1 to 100, chroma at half resolution up to 90.
inline std::vector<std::uint8_t> encode_jpeg(const Image& image, int quality = 90) {
    require(!image.empty(), "encode_jpeg: the image is empty");
    require(quality >= 1 && quality <= 100, "encode_jpeg: quality is ", quality,
            ", expected 1 to 100");
    require(image.width < 65536 && image.height < 65536, "encode_jpeg: the image is ", image.width,
            " x ", image.height, ", JPEG allows less than 65536");
    std::vector<std::uint8_t> bytes;
    const int written =
        stb::stbi_write_jpg_to_func(detail::append_bytes, &bytes, image.width, image.height,
                                    image.channels, image.pixels.data(), quality);
    require(written != 0, "encode_jpeg: cannot encode an image of ", image.shape());
    return bytes;
}

/// Writes a PNG, or a JPEG of the given quality, as the name's ending says (.png, .jpg, .jpeg in
/// any case), whole or not at all. Throws Error naming the path.
inline void write_image(const std::string& path, const Image& image, int quality = 90) {
    std::string ending = path.substr(std::min(path.find_last_of("./"), path.size()));
    for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (ending == ".png") {
        write_file(path, encode_png(image));
    } else {
        require(ending == ".jpg" || ending == ".jpeg", "cannot write ", path,
                ": unknown image ending, expected .png, .jpg or .jpeg");
        write_file(path, encode_jpeg(image, quality));
    }
}

}  // namespace tessera
