// SPDX-License-Identifier: MIT
// write_safetensors: named tensors and a few texts into one file.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"
#include "tessera/core/order.hpp"
#include "tessera/core/shape.hpp"
#include "tessera/io/dtype.hpp"
#include "tessera/io/json_reader.hpp"

namespace tessera {

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian");

/// Takes the next bytes of a tensor.
using ByteSink = std::function<void(std::span<const std::uint8_t>)>;

/// One tensor to write: either its bytes are in memory, or `produce` gives them to the sink, in
/// order and in pieces of any size, so that a converted copy need not exist as a whole.
struct TensorSource {
    std::string name;
    Dtype dtype = Dtype::f32;
    std::vector<Index> shape;
    std::span<const std::uint8_t> bytes{};
    std::function<void(const ByteSink&)> produce{};
};

/// The memory of numbers as bytes.
template <class T>
std::span<const std::uint8_t> bytes_of(std::span<const T> numbers) {
    return {reinterpret_cast<const std::uint8_t*>(numbers.data()), numbers.size_bytes()};
}

namespace detail {

inline std::int64_t tensor_bytes(const std::string& path, const TensorSource& source) {
    std::int64_t bytes = dtype_bytes(source.dtype);
    for (const Index extent : source.shape) {
        require(extent >= 0 && !__builtin_mul_overflow(bytes, std::int64_t{extent}, &bytes), path,
                ": tensor '", source.name, "': found extent ", extent,
                ", expected a shape of 0 to 2^63 bytes");
    }
    return bytes;
}

/// Padded with blanks so that the data begins on a multiple of 8 bytes.
inline std::string safetensors_header(const std::string& path,
                                      const std::vector<const TensorSource*>& order,
                                      const std::map<std::string, std::string>& metadata) {
    std::string header = "{";
    const auto comma = [&](bool first) { header += first ? "" : ","; };
    if (!metadata.empty()) {
        header += "\"__metadata__\":{";
        for (bool first = true; const auto& [key, words] : metadata) {
            comma(std::exchange(first, false));
            header += json_quoted(key, path + ": metadata key");
            header += ':';
            header += json_quoted(words, path + ": metadata");
        }
        header += '}';
    }
    std::int64_t offset = 0;
    for (bool first = metadata.empty(); const TensorSource* source : order) {
        comma(std::exchange(first, false));
        header += json_quoted(source->name, path + ": tensor");
        ((header += ":{\"dtype\":\"") += dtype_name(source->dtype)) += "\",\"shape\":[";
        for (bool first_extent = true; const Index extent : source->shape) {
            comma(std::exchange(first_extent, false));
            header += std::to_string(extent);
        }
        const std::int64_t bytes = tensor_bytes(path, *source);
        header += text("],\"data_offsets\":[", offset, ",", offset + bytes, "]}");
        offset += bytes;
    }
    header += '}';
    header.append((8 - header.size() % 8) % 8, ' ');
    return header;
}

}  // namespace detail

/// Writes a file whole or not at all. The data is in the order of alignment, largest first, and
/// then of names, which is also the order of the format's own library: the same tensors give the
/// same bytes. Throws Error when a name occurs twice, a text is not UTF-8, a tensor has another
/// number of bytes than its shape says, or the file cannot be written.
inline void write_safetensors(const std::string& path, const std::vector<TensorSource>& tensors,
                              const std::map<std::string, std::string>& metadata = {}) {
    std::vector<const TensorSource*> order;
    std::vector<std::string_view> names{"__metadata__"};
    const auto before = [&](std::size_t a, std::size_t b) {
        const TensorSource &one = tensors[a], &other = tensors[b];
        return one.dtype != other.dtype ? one.dtype > other.dtype : one.name < other.name;
    };
    for (const std::size_t place : sorted_places(tensors.size(), before)) {
        order.push_back(&tensors[place]);
        names.push_back(tensors[place].name);
    }
    const std::string_view* twin = repeated_name(names);
    require(!twin, path, ": found tensor name '", twin ? *twin : "",
            "' twice or reserved, expected every name once");

    const std::string header = detail::safetensors_header(path, order, metadata);
    const std::uint64_t length = header.size();
    FileWriter file(path);
    file.write(bytes_of(std::span(&length, 1)));
    file.write(header);
    for (const TensorSource* source : order) {
        const std::int64_t expected = detail::tensor_bytes(path, *source);
        std::int64_t written = 0;
        const auto sink = [&](std::span<const std::uint8_t> bytes) {
            written += static_cast<std::int64_t>(bytes.size());
            require(written <= expected, path, ": tensor '", source->name,
                    "': found more bytes than the ", expected, " of its shape");
            file.write(bytes);
        };
        if (source->produce) {
            source->produce(sink);
        } else {
            sink(source->bytes);
        }
        require(written == expected, path, ": tensor '", source->name, "': found ", written,
                " bytes, expected ", expected, " for its shape");
    }
    file.commit();
}

}  // namespace tessera
