// SPDX-License-Identifier: MIT
// PackedSummary: what is known about packed images as a whole, so that training needs no other
// file.
//
// A block of 64 bytes behind the last record (magic, version, fingerprint of the list, unreadable
// images, bytes of the class names, values of the mean; little-endian), then the names, each with a
// line feed behind it, zeros up to a multiple of 64 bytes, and the mean as floats.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/buffer.hpp"
#include "tessera/core/error.hpp"
#include "tessera/data/packed_set.hpp"

namespace tessera {

struct PackedSummary {
    std::vector<std::string> classes{};  ///< name of each label
    std::vector<float> mean{};           ///< of the images that could be read, as their pixels lie
    std::uint64_t list = 0;              ///< fingerprint of the list of images
    Index unreadable = 0;                ///< images of label -1

    bool empty() const { return classes.empty() && mean.empty(); }
};

namespace detail {

struct SummaryHeader {
    char magic[8] = {'t', 'e', 's', 's', 's', 'u', 'm', 'm'};
    std::uint64_t version = 1;
    std::uint64_t list = 0;
    std::int64_t unreadable = 0;
    std::int64_t name_bytes = 0;
    std::int64_t mean_values = 0;
    std::uint64_t reserved[2] = {};
};
static_assert(sizeof(SummaryHeader) == alignment);

/// Throws Error for a number of names or values that is not that of the set.
inline void check_summary(const PackedSummary& summary, const PackedSet& set,
                          const std::string& path) {
    require(std::ssize(summary.classes) == set.classes, path, ": found ", summary.classes.size(),
            " names of classes, expected ", set.classes);
    require(std::ssize(summary.mean) == set.shape.size(), path, ": found a mean of ",
            summary.mean.size(), " values, expected ", set.shape.size(), " for images of ",
            set.shape);
}

inline std::vector<std::uint8_t> summary_bytes(const PackedSummary& summary, const PackedSet& set,
                                               const std::string& path) {
    check_summary(summary, set, path);
    std::string names;
    for (const std::string& name : summary.classes) {
        require(name.find('\n') == std::string::npos, path, ": found a line feed in class '", name,
                "', expected a name on one line");
        names += name + '\n';
    }
    SummaryHeader header;
    header.list = summary.list;
    header.unreadable = summary.unreadable;
    header.name_bytes = std::ssize(names);
    header.mean_values = std::ssize(summary.mean);
    const auto mean = static_cast<std::size_t>(alignment + aligned(header.name_bytes));
    std::vector<std::uint8_t> bytes(mean + summary.mean.size() * sizeof(float));
    std::memcpy(bytes.data(), &header, sizeof header);
    std::copy(names.begin(), names.end(), bytes.begin() + alignment);
    std::memcpy(bytes.data() + mean, summary.mean.data(), summary.mean.size() * sizeof(float));
    return bytes;
}

/// Throws Error unless `bytes` are a summary of the set.
inline PackedSummary read_summary(std::span<const std::uint8_t> bytes, const PackedSet& set,
                                  const std::string& path) {
    SummaryHeader header;
    const SummaryHeader wanted;
    const bool whole = bytes.size() >= sizeof header;
    if (whole) std::memcpy(&header, bytes.data(), sizeof header);
    require(whole && std::memcmp(header.magic, wanted.magic, sizeof header.magic) == 0, path,
            ": found ", bytes.size(), " other bytes behind the last image, expected a summary");
    require(header.version == wanted.version, path, ": found a summary of version ", header.version,
            ", expected ", wanted.version);
    const auto size = std::ssize(bytes);
    const bool fits =
        header.name_bytes >= 0 && header.name_bytes <= size && header.mean_values >= 0 &&
        header.mean_values <= size &&
        Index{alignment} + aligned(header.name_bytes) + header.mean_values * Index{sizeof(float)} ==
            size;
    require(fits, path, ": found a summary of ", size, " bytes with ", header.name_bytes,
            " of names and ", header.mean_values, " values, which do not fit: cut short?");
    PackedSummary summary{.list = header.list, .unreadable = header.unreadable};
    const auto* first = reinterpret_cast<const char*>(bytes.data()) + alignment;
    const char* const end = first + header.name_bytes;
    while (first != end) {
        const char* const stop = std::find(first, end, '\n');
        require(stop != end, path, ": found a class without an end in the summary");
        summary.classes.emplace_back(first, stop);
        first = stop + 1;
    }
    summary.mean.resize(static_cast<std::size_t>(header.mean_values));
    std::memcpy(summary.mean.data(), bytes.data() + alignment + aligned(header.name_bytes),
                summary.mean.size() * sizeof(float));
    check_summary(summary, set, path);
    return summary;
}

}  // namespace detail

}  // namespace tessera
