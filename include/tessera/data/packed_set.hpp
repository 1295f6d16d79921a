// SPDX-License-Identifier: MIT
// What a file of packed images holds, and how its bytes lie.
//
// A header of 64 bytes (magic, version, fingerprint of the source, number of images, classes,
// width, height, channels; little-endian), then a record per image: its pixels, its label (4
// bytes), and zeros up to a multiple of 64 bytes. Behind the last there may be a summary
// (packed_summary.hpp).
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "tessera/core/buffer.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/shape.hpp"

namespace tessera {

static_assert(std::endian::native == std::endian::little, "packed images are little-endian");

/// What a file of packed images holds.
struct PackedSet {
    std::uint64_t source = 0;  ///< fingerprint of the images and of how they were made
    Index images = 0;
    int classes = 0;  ///< labels are below; -1 is an image that losses leave out
    Shape shape{};    ///< of each image

    friend bool operator==(const PackedSet&, const PackedSet&) = default;
};

namespace detail {

struct PackedHeader {
    char magic[8] = {'t', 'e', 's', 's', 'p', 'a', 'c', 'k'};
    std::uint64_t version = 1;
    std::uint64_t source = 0;
    std::int64_t images = 0;
    std::int32_t classes = 0;
    std::int32_t width = 0;
    std::int32_t height = 0;
    std::int32_t channels = 0;
    std::uint64_t reserved[2] = {};

    std::span<const std::uint8_t> bytes() const {
        return {reinterpret_cast<const std::uint8_t*>(this), sizeof *this};
    }
};
static_assert(sizeof(PackedHeader) == alignment);

/// Bytes of a record. `set` is one that packed_bytes() accepts.
inline Index record_bytes(const PackedSet& set) {
    return aligned(set.shape.size() + Index{sizeof(std::int32_t)});
}

/// Bytes of a whole file. Throws Error, with `path`, for sizes that no file can have.
inline Index packed_bytes(const PackedSet& set, const std::string& path) {
    const Shape shape = set.shape;
    Index pixels = 0, bytes = 0;
    const bool fits = shape.channels > 0 && shape.height > 0 && shape.width > 0 &&
                      set.images >= 0 && set.classes >= 0 &&
                      !__builtin_mul_overflow(shape.area(), Index{shape.channels}, &pixels) &&
                      pixels <= Index{1} << 40 &&
                      !__builtin_mul_overflow(record_bytes(set), set.images, &bytes) &&
                      !__builtin_add_overflow(bytes, Index{sizeof(PackedHeader)}, &bytes);
    require(fits, path, ": found ", set.images, " packed images of ", shape, " in ", set.classes,
            " classes, expected at least one pixel and less than 2^63 bytes");
    return bytes;
}

inline void check_label(std::int32_t label, const PackedSet& set, Index image,
                        const std::string& path) {
    require(label >= -1 && label < set.classes, path, ": found label ", label, " of image ", image,
            ", expected -1 to ", set.classes - 1);
}

/// What the beginning of a file says. Throws Error when it is none of packed images.
inline PackedSet read_packed_set(std::span<const std::uint8_t> bytes, const std::string& path) {
    PackedHeader header;
    const PackedHeader wanted;
    require(bytes.size() >= sizeof header, path, ": found ", bytes.size(),
            " bytes, expected a file of packed images");
    std::memcpy(&header, bytes.data(), sizeof header);
    require(std::memcmp(header.magic, wanted.magic, sizeof header.magic) == 0, path,
            ": found other data, expected a file of packed images");
    require(header.version == wanted.version, path, ": found packed images of version ",
            header.version, ", expected ", wanted.version);
    return {header.source,
            header.images,
            header.classes,
            {header.channels, header.height, header.width}};
}

}  // namespace detail

}  // namespace tessera
