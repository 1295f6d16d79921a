// SPDX-License-Identifier: MIT
// Carve: cutting an op's working memory into aligned pieces.
#pragma once

#include "tessera/backend/geometry.hpp"
#include "tessera/core/buffer.hpp"
#include "tessera/core/error.hpp"

namespace tessera::cpu {

/// Bytes that `count` elements take in working memory.
template <class T>
constexpr std::size_t carved_bytes(Index count) {
    return static_cast<std::size_t>(aligned(count * static_cast<Index>(sizeof(T))));
}

/// Throws Error when the working memory is smaller than asked for.
class Carve {
public:
    explicit Carve(const Scratch& scratch) : scratch_(scratch) {}

    template <class T>
    T* take(Index count) {
        std::byte* piece = scratch_.data + used_;
        used_ += carved_bytes<T>(count);
        require(used_ <= scratch_.bytes, "working memory: found ", scratch_.bytes,
                " bytes, expected at least ", used_);
        return reinterpret_cast<T*>(piece);
    }

private:
    Scratch scratch_;
    std::size_t used_ = 0;
};

}  // namespace tessera::cpu
