// SPDX-License-Identifier: MIT
// SafetensorsFile: reads named tensors from a file of Hugging Face's safetensors format.
//
// 8 bytes, little-endian: length of the header. The header, JSON:
//   {"__metadata__": {text: text}, "<name>": {"dtype": "F32", "shape": [..], "data_offsets": [b,
//   e]}}
// The data, b and e counted from its begin. Every byte of the data belongs to exactly one tensor.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/mapped_file.hpp"
#include "tessera/core/order.hpp"
#include "tessera/io/dtype.hpp"
#include "tessera/io/safetensors_header.hpp"

namespace tessera {

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian");

/// A safetensors file, mapped and checked as a whole when it is opened: lengths, names, types,
/// shapes and offsets fit together before anything is allocated for the data. Move-only.
class SafetensorsFile {
public:
    /// Throws Error with the path, what was found and what was expected.
    explicit SafetensorsFile(const std::string& path) : file_(path) {
        const std::span<const std::uint8_t> bytes = file_.bytes();
        require(bytes.size() >= 8, path, ": found ", bytes.size(),
                " bytes, expected a safetensors file of at least 8");
        std::uint64_t length = 0;
        std::memcpy(&length, bytes.data(), 8);
        require(length <= detail::safetensors_header_limit, path, ": found a header of ", length,
                " bytes, expected at most ", detail::safetensors_header_limit,
                ": not a safetensors file?");
        require(length <= bytes.size() - 8, path, ": found a header of ", length,
                " bytes, but only ", bytes.size() - 8, " bytes follow: cut short?");
        const auto header_bytes = bytes.subspan(8, length);
        const std::string_view words(reinterpret_cast<const char*>(header_bytes.data()), length);
        detail::SafetensorsHeader header(words, bytes.subspan(8 + length), path);
        header.read();
        tensors_ = std::move(header.tensors);
        metadata_ = std::move(header.metadata);
        places_ = sorted_places(tensors_.size(), [&](std::size_t a, std::size_t b) {
            return tensors_[a].name < tensors_[b].name;
        });
    }

    const std::string& path() const { return file_.path(); }
    /// In the order of their data.
    const std::vector<TensorInfo>& tensors() const { return tensors_; }
    const std::map<std::string, std::string>& metadata() const { return metadata_; }

    /// Null when there is none of this name.
    const TensorInfo* find(std::string_view name) const {
        const auto found = std::lower_bound(
            places_.begin(), places_.end(), name,
            [&](std::size_t place, std::string_view key) { return tensors_[place].name < key; });
        if (found == places_.end() || tensors_[*found].name != name) return nullptr;
        return &tensors_[*found];
    }
    /// Throws Error when there is none of this name.
    const TensorInfo& at(std::string_view name) const {
        const TensorInfo* info = find(name);
        require(info != nullptr, path(), ": found no tensor '", name, "' among ", tensors_.size());
        return *info;
    }
    /// The elements of a floating-point tensor as float or double. Throws Error when the tensor is
    /// missing, of another type, or not of numbers.size() elements.
    template <class T>
    void read(std::string_view name, std::span<T> numbers) const {
        const TensorInfo& info = at(name);
        require(info.size() == static_cast<Index>(numbers.size()), path(), ": tensor '", name,
                "': found ", info.size(), " elements (", shape_text(info.shape), "), expected ",
                numbers.size());
        try {
            read_numbers(info.dtype, info.bytes, numbers);
        } catch (const Error& error) {
            fail(path(), ": tensor '", name, "': ", error.what());
        }
    }

private:
    MappedFile file_;
    std::vector<TensorInfo> tensors_;
    std::map<std::string, std::string> metadata_;
    std::vector<std::size_t> places_;  // of the tensors in the order of their names
};

}  // namespace tessera
