// SPDX-License-Identifier: MIT
// SafetensorsHeader: reads and checks the JSON header of a safetensors file.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/order.hpp"
#include "tessera/core/shape.hpp"
#include "tessera/io/dtype.hpp"
#include "tessera/io/json_reader.hpp"

namespace tessera {

/// One tensor of a file; its bytes belong to the file and may be unaligned.
struct TensorInfo {
    std::string name;
    Dtype dtype = Dtype::f32;
    std::vector<Index> shape;  ///< first index slowest; empty for a single number
    std::span<const std::uint8_t> bytes;

    Index size() const { return static_cast<Index>(bytes.size()) / dtype_bytes(dtype); }
};

/// `64x3x11x11`, or `scalar`.
inline std::string shape_text(const std::vector<Index>& shape) {
    std::string words;
    for (const Index extent : shape) words.append(words.empty() ? "" : "x").append(text(extent));
    return words.empty() ? "scalar" : words;
}

namespace detail {

/// The limit of the format's own library.
inline constexpr std::uint64_t safetensors_header_limit = 100'000'000;
inline constexpr std::size_t safetensors_rank_limit = 64;

/// Nothing is believed: a header that breaks any rule of the format throws Error with the path, the
/// tensor, what was found and what was expected.
class SafetensorsHeader {
public:
    SafetensorsHeader(std::string_view header, std::span<const std::uint8_t> data, std::string path)
        : path_(path), json_(header, path + ": header"), data_(data) {}

    std::vector<TensorInfo> tensors;  // in the order of their data, once read
    std::map<std::string, std::string> metadata;

    void read() {
        bool metadata_seen = false;
        object("an object of tensors", [&](const std::string& key) {
            if (key != "__metadata__") return entry(key);
            require(!metadata_seen, path_, ": header: found two __metadata__, expected one");
            metadata_seen = true;
            object("an object of texts", [&](const std::string& name) {
                const bool added = metadata.emplace(name, json_.string("a text")).second;
                require(added, path_, ": __metadata__: found key '", name, "' twice");
            });
        });
        json_.expect_end();
        check_names();
        check_offsets();
    }

private:
    struct Range {
        std::int64_t begin = 0;
        std::int64_t end = 0;
        std::size_t tensor = 0;
    };

    template <class Member>
    void object(std::string_view what, Member member) {
        json_.expect('{', what);
        if (json_.take('}')) return;
        do {
            const std::string key = json_.string("a name in quotes");
            json_.expect(':', "':'");
            member(key);
        } while (json_.take(','));
        json_.expect('}', "',' or '}'");
    }

    template <class Element>
    void array(std::string_view what, Element element) {
        json_.expect('[', what);
        if (json_.take(']')) return;
        do element();
        while (json_.take(','));
        json_.expect(']', "',' or ']'");
    }

    void entry(const std::string& name) {
        TensorInfo info;
        info.name = name;
        std::vector<std::int64_t> offsets;
        bool has_dtype = false, has_shape = false, has_offsets = false;
        const auto once = [&](bool& seen, const std::string& field) {
            require(!seen, where(name), "found ", field, " twice");
            seen = true;
        };
        object("an object with dtype, shape and data_offsets", [&](const std::string& field) {
            if (field == "dtype") {
                once(has_dtype, field);
                info.dtype = dtype(name, json_.string("a dtype in quotes"));
            } else if (field == "shape") {
                once(has_shape, field);
                array("an array of extents", [&] {
                    info.shape.push_back(json_.number("an extent from 0 to 2^63 - 1"));
                    require(info.shape.size() <= safetensors_rank_limit, where(name),
                            "found a shape of more than ", safetensors_rank_limit, " extents");
                });
            } else if (field == "data_offsets") {
                once(has_offsets, field);
                array("an array of two offsets", [&] {
                    offsets.push_back(json_.number("an offset from 0 to 2^63 - 1"));
                    require(offsets.size() <= 2, where(name), "found more than two data_offsets");
                });
            } else {
                fail(where(name), "found field '", field,
                     "', expected dtype, shape and data_offsets only");
            }
        });
        require(has_dtype, where(name), "found no dtype");
        require(has_shape, where(name), "found no shape");
        require(offsets.size() == 2, where(name), "found ", offsets.size(),
                " data_offsets, expected two");
        ranges_.push_back({offsets[0], offsets[1], tensors.size()});
        tensors.push_back(std::move(info));
    }

    Dtype dtype(const std::string& name, const std::string& word) const {
        const auto known = dtype_from_name(word);
        require(known.has_value(), where(name), "found dtype '", word,
                "', expected BOOL, U8, I8, I16, U16, F16, BF16, I32, U32, F32, F64, I64 or U64");
        return *known;
    }

    void check_names() const {
        std::vector<std::string_view> names;
        for (const TensorInfo& info : tensors) names.push_back(info.name);
        const std::string_view* twin = repeated_name(names);
        require(!twin, path_, ": header: found tensor '", twin ? *twin : "", "' twice");
    }

    /// In the order of their offsets, tensors follow each other without gaps from 0 to the end.
    void check_offsets() {
        const auto before = [&](std::size_t a, std::size_t b) {
            const Range &one = ranges_[a], &other = ranges_[b];
            return one.begin != other.begin ? one.begin < other.begin : one.end < other.end;
        };
        std::vector<TensorInfo> ordered;
        std::int64_t next = 0;
        const auto available = static_cast<std::int64_t>(data_.size());
        for (const std::size_t at : sorted_places(ranges_.size(), before)) {
            const Range& range = ranges_[at];
            TensorInfo& info = tensors[range.tensor];
            const std::string offsets = text("data_offsets [", range.begin, ", ", range.end, "]");
            require(range.begin == next, where(info.name), "found ", offsets, ", expected ",
                    range.begin < next ? "no overlap: the tensor before ends at "
                                       : "no gap: the tensor before ends at ",
                    next);
            require(range.end >= range.begin, where(info.name), "found ", offsets,
                    ", expected the end at or behind the begin");
            require(range.end <= available, where(info.name), "found ", offsets,
                    ", but the file has ", available, " bytes of data: cut short?");
            const std::int64_t bytes = byte_count(info);
            require(bytes == range.end - range.begin, where(info.name), "found ",
                    range.end - range.begin, " bytes, expected ", bytes, " for ",
                    dtype_name(info.dtype), " ", shape_text(info.shape));
            info.bytes = data_.subspan(static_cast<std::size_t>(range.begin),
                                       static_cast<std::size_t>(bytes));
            next = range.end;
            ordered.push_back(std::move(info));
        }
        require(next == available, path_, ": found ", available - next,
                " bytes behind the last tensor, expected none");
        tensors = std::move(ordered);
    }

    std::int64_t byte_count(const TensorInfo& info) const {
        std::int64_t bytes = dtype_bytes(info.dtype);
        for (const Index extent : info.shape) {
            const bool overflow = __builtin_mul_overflow(bytes, std::int64_t{extent}, &bytes);
            require(!overflow, where(info.name), "found shape ", shape_text(info.shape),
                    ", whose size exceeds 2^63 bytes");
        }
        return bytes;
    }

    std::string where(const std::string& name) const { return path_ + ": tensor '" + name + "': "; }

    std::string path_;
    JsonReader json_;
    std::span<const std::uint8_t> data_;
    std::vector<Range> ranges_;
};

}  // namespace detail

}  // namespace tessera
