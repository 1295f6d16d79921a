// SPDX-License-Identifier: MIT
// PackedImages: decoded images of one extent in one file, for training faster than a few cores can
// decode.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/fingerprint.hpp"
#include "tessera/core/folder.hpp"
#include "tessera/core/mapped_file.hpp"
#include "tessera/core/part_file.hpp"
#include "tessera/data/packed_set.hpp"
#include "tessera/data/packed_summary.hpp"
#include "tessera/image/image.hpp"

namespace tessera {

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

    /// Image `n` of those written into `image`, and its label. By any number of threads at once.
    /// requires 0 <= n < written() and an image of the set's shape.
    std::int32_t read(Index n, Image& image) const {
        const Index bytes = std::ssize(record_);
        const auto at = sizeof(detail::PackedHeader) + static_cast<std::uint64_t>(n * bytes);
        file_.read(at, image.pixels);
        std::int32_t label = 0;
        std::uint8_t digits[sizeof label];
        file_.read(at + image.pixels.size(), digits);
        std::memcpy(&label, digits, sizeof label);
        detail::check_label(label, set_, n, path_);
        return label;
    }

    /// Throws Error when images are missing, the summary is not one of this set or the disk is
    /// full.
    void finish(const PackedSummary& summary = {}) {
        require(written_ == set_.images, path_, ": found ", written_, " images, expected ",
                set_.images);
        if (!summary.empty()) file_.write(detail::summary_bytes(summary, set_, path_));
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

/// The set whose images an interrupted writer has left beside `path`, if any did.
inline std::optional<PackedSet> begun_set(const std::string& path) {
    const std::string part = detail::find_target(path).path + ".part";
    if (!path_exists(part) || file_size(part) < sizeof(detail::PackedHeader)) return {};
    return detail::read_packed_set(MappedFile(part).bytes(), part);
}

/// The images of a file, mapped: any number of threads and processes share one copy.
class PackedImages {
public:
    /// Throws Error when the file is missing, is none of packed images, or is cut short.
    explicit PackedImages(const std::string& path) : file_(path) {
        const std::span<const std::uint8_t> bytes = file_.bytes();
        set_ = detail::read_packed_set(bytes, path);
        const Index size = detail::packed_bytes(set_, path);
        require(std::ssize(bytes) >= size, path, ": found ", bytes.size(), " bytes, expected ",
                size, ": cut short?");
        const auto rest = bytes.subspan(static_cast<std::size_t>(size));
        if (!rest.empty()) summary_ = detail::read_summary(rest, set_, path);
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
    /// Empty when the writer gave none.
    const PackedSummary& summary() const { return summary_; }
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
    PackedSummary summary_;
};

}  // namespace tessera
