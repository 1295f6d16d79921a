// SPDX-License-Identifier: MIT
// Loops that vectorise at -O2, where g++ 12 takes only those whose length it knows.
#pragma once

#include <cstring>
#include <type_traits>

#include "tessera/core/shape.hpp"

namespace tessera::cpu {

/// Calls f(begin, length) over 0 .. count - 1, `length` being a constant of the type for all pieces
/// but the last.
template <Index Piece, class F>
void in_pieces(Index count, const F& f) {
    Index begin = 0;
    for (; begin + Piece <= count; begin += Piece) {
        f(begin, std::integral_constant<Index, Piece>{});
    }
    if (begin < count) f(begin, count - begin);
}

/// to = from. Short runs are copied here: a patch row of three channels is too short for a call.
template <class T>
void copy_run(const T* __restrict from, T* __restrict to, Index count) {
    constexpr Index piece = 16;
    if (count < piece || count > 32 * piece) {
        if (count > piece) {
            std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
        } else {
            for (Index i = 0; i < count; ++i) to[i] = from[i];
        }
        return;
    }
    for (Index i = 0; i + piece < count; i += piece) {
        std::memcpy(to + i, from + i, piece * sizeof(T));
    }
    // The last piece overlaps the one before.
    std::memcpy(to + count - piece, from + count - piece, piece * sizeof(T));
}

/// to += from
template <class T>
void add_run(const T* __restrict from, T* __restrict to, Index count) {
    in_pieces<16>(count, [&](Index at, auto length) {
        for (Index i = 0; i < length; ++i) to[at + i] += from[at + i];
    });
}

}  // namespace tessera::cpu
