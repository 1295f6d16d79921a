// SPDX-License-Identifier: MIT
// PackedImages: decoded images of one extent in one file, for training faster than a few cores can
// decode.
//
// A header of 64 bytes (magic, version, fingerprint of the source, number of images, classes,
// width, height, channels; little-endian), then a record per image: its pixels, its label (4
// bytes), and zeros up to a multiple of 64 bytes.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/buffer.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/fingerprint.hpp"
#include "tessera/core/mapped_file.hpp"
#include "tessera/core/part_file.hpp"
#include "tessera/image/image.hpp"

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

}  // namespace detail

/// Writes the images one after the other. The file is there after finish(), whole or not at all;
/// what was written before stays in `<path>.part`, and a writer for the same set goes on with it.
class PackedImageWriter {
public:
    /// Throws Error when the set makes no sense, the folder is missing or may not be written, or
    /// another process is writing these images.
    PackedImageWriter(const std::string& path, const PackedSet& set)
        : path_(path), set_(set), bytes_(detail::packed_bytes(set, path)), file_(path) {
        detail::PackedHeader header;
        header.source = set.source;
        header.images = set.images;
        header.classes = set.classes;
        header.width = set.shape.width;
        header.height = set.shape.height;
        header.channels = set.shape.channels;
        if (!std::ranges::equal(file_.beginning(sizeof header), header.bytes())) {
            file_.shorten(0);
            file_.write(header.bytes());
        }
        record_.resize(static_cast<std::size_t>(detail::record_bytes(set)));
        const auto size = std::min(static_cast<Index>(file_.size()), bytes_);
        written_ = (size - Index{sizeof header}) / std::ssize(record_);
        file_.shorten(sizeof header + static_cast<std::uint64_t>(written_ * std::ssize(record_)));
    }

    /// Images that are there: of an earlier writer and of this one.
    Index written() const { return written_; }

    /// Throws Error for pixels of another shape, a label that is no class, more images than
    /// announced, or when the disk is full.
    void append(const Image& image, std::int32_t label) {
        require(image.shape() == set_.shape, path_, ": found an image of ", image.shape(),
                ", expected ", set_.shape);
        require(written_ < set_.images, path_, ": found more images than the ", set_.images,
                " announced");
        detail::check_label(label, set_, written_, path_);
        std::memcpy(record_.data(), image.pixels.data(), image.pixels.size());
        std::memcpy(record_.data() + image.pixels.size(), &label, sizeof label);
        file_.write(record_);
        ++written_;
    }

    /// Throws Error when images are missing or the disk is full.
    void finish() {
        require(written_ == set_.images, path_, ": found ", written_, " images, expected ",
                set_.images);
        file_.commit();
    }

private:
    std::string path_;
    PackedSet set_;
    Index bytes_;  // of the whole file
    PartFile file_;
    std::vector<std::uint8_t> record_;
    Index written_ = 0;
};

/// The images of a file, mapped: any number of threads and processes share one copy.
class PackedImages {
public:
    /// Throws Error when the file is missing, is none of packed images, or is cut short.
    explicit PackedImages(const std::string& path) : file_(path) {
        const std::span<const std::uint8_t> bytes = file_.bytes();
        detail::PackedHeader header;
        const detail::PackedHeader wanted;
        require(bytes.size() >= sizeof header, path, ": found ", bytes.size(),
                " bytes, expected a file of packed images");
        std::memcpy(&header, bytes.data(), sizeof header);
        require(std::memcmp(header.magic, wanted.magic, sizeof header.magic) == 0, path,
                ": found other data, expected a file of packed images");
        require(header.version == wanted.version, path, ": found packed images of version ",
                header.version, ", expected ", wanted.version);
        set_ = {header.source,
                header.images,
                header.classes,
                {header.channels, header.height, header.width}};
        const Index size = detail::packed_bytes(set_, path);
        require(static_cast<Index>(bytes.size()) == size, path, ": found ", bytes.size(),
                " bytes, expected ", size, ": cut short?");
    }
    /// Throws Error, saying what differs, also when the file holds something else than `expected`.
    PackedImages(const std::string& path, const PackedSet& expected) : PackedImages(path) {
        require(set_.source == expected.source, path, ": found images packed from ",
                hexadecimal(set_.source), ", expected from ", hexadecimal(expected.source));
        require(set_ == expected, path, ": found ", set_.images, " images of ", set_.shape, " in ",
                set_.classes, " classes, expected ", expected.images, " of ", expected.shape,
                " in ", expected.classes);
    }

    const PackedSet& set() const { return set_; }
    Index size() const { return set_.images; }
    /// As Image::pixels; begins at a multiple of 64 bytes. requires 0 <= n < size(), as label().
    std::span<const std::uint8_t> image(Index n) const {
        return {record(n), static_cast<std::size_t>(set_.shape.size())};
    }
    /// Throws Error for a label that is no class: the file is damaged.
    std::int32_t label(Index n) const {
        std::int32_t label = 0;
        std::memcpy(&label, record(n) + set_.shape.size(), sizeof label);
        detail::check_label(label, set_, n, file_.path());
        return label;
    }

private:
    const std::uint8_t* record(Index n) const {
        return file_.bytes().data() + sizeof(detail::PackedHeader) + n * detail::record_bytes(set_);
    }

    MappedFile file_;
    PackedSet set_;
};

}  // namespace tessera
