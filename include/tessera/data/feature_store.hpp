// SPDX-License-Identifier: MIT
// FeatureStore: rows of features on disk, computed once by a frozen trunk and read many times.
//
// A header of 64 bytes (magic, version, rows, columns, fingerprints; little-endian), then
// rows x columns floats. The fingerprints say which trunk saw which data.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "tessera/core/error.hpp"
#include "tessera/core/fingerprint.hpp"
#include "tessera/core/mapped_file.hpp"
#include "tessera/core/part_file.hpp"
#include "tessera/core/shape.hpp"

namespace tessera {

static_assert(std::endian::native == std::endian::little, "feature files are little-endian");

/// What a file of features must be to be of use.
struct FeatureKey {
    std::uint64_t trunk = 0;  ///< fingerprint of the network and its weights
    std::uint64_t data = 0;   ///< fingerprint of the data and of how it is shown to the network
    Index rows = 0;
    Index columns = 0;
};

namespace detail {

struct FeatureHeader {
    char magic[8] = {'t', 'e', 's', 's', 'f', 'e', 'a', 't'};
    std::uint64_t version = 1;
    std::uint64_t trunk = 0;
    std::uint64_t data = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::uint64_t reserved[2] = {};

    std::span<const std::uint8_t> bytes() const {
        return {reinterpret_cast<const std::uint8_t*>(this), sizeof *this};
    }
};
static_assert(sizeof(FeatureHeader) == 64);

/// Bytes of a whole file.
inline std::int64_t feature_bytes(std::int64_t rows, std::int64_t columns) {
    std::int64_t bytes = 0;
    const bool fits = rows >= 0 && columns > 0 && !__builtin_mul_overflow(rows, columns, &bytes) &&
                      !__builtin_mul_overflow(bytes, std::int64_t{sizeof(float)}, &bytes) &&
                      !__builtin_add_overflow(bytes, std::int64_t{sizeof(FeatureHeader)}, &bytes);
    require(fits, "features: found ", rows, " rows of ", columns,
            " columns, expected at least one column and less than 2^63 bytes");
    return bytes;
}

/// Throws Error for sizes that no file can have.
inline const FeatureKey& checked(const FeatureKey& key) {
    feature_bytes(key.rows, key.columns);
    return key;
}

/// Throws Error unless the bytes are a file of features for this key.
inline void check_features(const MappedFile& file, const FeatureKey& key) {
    const std::span<const std::uint8_t> bytes = file.bytes();
    const std::string& path = file.path();
    FeatureHeader header;
    const FeatureHeader wanted;
    require(bytes.size() >= sizeof header, path, ": found ", bytes.size(),
            " bytes, expected a file of features");
    std::memcpy(&header, bytes.data(), sizeof header);
    require(std::memcmp(header.magic, wanted.magic, sizeof header.magic) == 0, path,
            ": found other data, expected a file of features");
    require(header.version == wanted.version, path, ": found features of version ", header.version,
            ", expected ", wanted.version);
    require(header.trunk == key.trunk, path, ": found features of trunk ",
            hexadecimal(header.trunk), ", expected trunk ", hexadecimal(key.trunk));
    require(header.data == key.data, path, ": found features of data ", hexadecimal(header.data),
            ", expected data ", hexadecimal(key.data));
    require(header.rows == key.rows && header.columns == key.columns, path, ": found ", header.rows,
            " rows of ", header.columns, " columns, expected ", key.rows, " of ", key.columns);
    const std::int64_t size = feature_bytes(key.rows, key.columns);
    require(static_cast<std::int64_t>(bytes.size()) == size, path, ": found ", bytes.size(),
            " bytes, expected ", size, ": cut short?");
}

}  // namespace detail

/// Writes the rows one after the other. The file is there after finish(), whole or not at all; what
/// was written before stays in `<path>.part`, and a writer for the same key goes on with it.
class FeatureWriter {
public:
    /// Goes on behind a multiple of `unit` rows, so that batches are those of a run that was not
    /// interrupted. Throws Error when the folder is missing or may not be written, or another
    /// process is writing these features.
    FeatureWriter(const std::string& path, const FeatureKey& key, Index unit = 1)
        : path_(path), key_(detail::checked(key)), file_(path) {
        detail::FeatureHeader header;
        header.trunk = key.trunk;
        header.data = key.data;
        header.rows = key.rows;
        header.columns = key.columns;
        constexpr std::uint64_t first = sizeof header;
        if (!std::ranges::equal(file_.beginning(first), header.bytes())) {
            file_.shorten(0);
            file_.write(header.bytes());
        }
        const auto row = static_cast<std::uint64_t>(key.columns) * sizeof(float);
        const auto there = static_cast<Index>((file_.size() - first) / row);
        written_ = std::min(key.rows, there / unit * unit);
        file_.shorten(first + static_cast<std::uint64_t>(written_) * row);
    }

    /// Rows that are there: of an earlier writer and of this one.
    Index written() const { return written_; }

    /// One row or several. Throws Error for a number of elements that is no multiple of the
    /// columns, for more rows than announced, or when the disk is full.
    void append(std::span<const float> rows) {
        const auto size = static_cast<Index>(rows.size());
        require(size % key_.columns == 0, path_, ": found ", size,
                " elements to append, expected rows of ", key_.columns);
        written_ += size / key_.columns;
        require(written_ <= key_.rows, path_, ": found more rows than the ", key_.rows,
                " announced");
        file_.write({reinterpret_cast<const std::uint8_t*>(rows.data()), rows.size_bytes()});
    }

    /// Throws Error when rows are missing or the disk is full.
    void finish() {
        require(written_ == key_.rows, path_, ": found ", written_, " rows, expected ", key_.rows);
        file_.commit();
    }

private:
    std::string path_;
    FeatureKey key_;
    PartFile file_;
    Index written_ = 0;
};

/// The rows of a file, mapped: any number of threads and processes share one copy.
class FeatureStore {
public:
    /// Throws Error saying what differs when the file is missing, is none of features, or was made
    /// by another trunk, from other data or in another size.
    FeatureStore(const std::string& path, const FeatureKey& key) : file_(path), key_(key) {
        detail::check_features(file_, key);
    }

    Index rows() const { return key_.rows; }
    Index columns() const { return key_.columns; }
    std::span<const float> row(Index n) const {
        return {data() + n * key_.columns, static_cast<std::size_t>(key_.columns)};
    }
    /// All rows, one after the other.
    const float* data() const {
        // The mapping begins on a page and the header is 64 bytes: aligned like every Buffer.
        return reinterpret_cast<const float*>(file_.bytes().data() + sizeof(detail::FeatureHeader));
    }

private:
    MappedFile file_;
    FeatureKey key_;
};

/// Why the file is of no use for this key; empty when it can be opened.
inline std::string feature_mismatch(const std::string& path, const FeatureKey& key) {
    try {
        detail::check_features(MappedFile(path), key);
        return {};
    } catch (const Error& error) {
        return error.what();
    }
}

}  // namespace tessera
