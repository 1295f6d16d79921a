// SPDX-License-Identifier: MIT
// Loops that vectorise at -O2, where g++ 12 takes only those whose length it knows.
// Pieces are longer than 16 since at -O3 it unrolls what is not before it looks for vectors, and
// then misses them (6 times slower for a maximum).
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "tessera/core/shape.hpp"

namespace tessera::cpu {

/// Calls f(begin, length) over 0 .. count - 1, `length` being a constant of the type: Piece, and 1
/// for what is left over.
template <Index Piece, class F>
[[gnu::always_inline]] inline void in_pieces(Index count, const F& f) {
    Index begin = 0;
    for (; begin + Piece <= count; begin += Piece) {
        f(begin, std::integral_constant<Index, Piece>{});
    }
    for (; begin < count; ++begin) f(begin, std::integral_constant<Index, 1>{});
}

/// The same where f may see an element twice: the last piece then begins early enough to be a whole
/// one, unless there is none.
template <Index Piece, class F>
[[gnu::always_inline]] inline void in_overlapping_pieces(Index count, const F& f) {
    if (count >= Piece) {
        for (Index begin = 0; begin < count; begin += Piece) {
            f(std::min(begin, count - Piece), std::integral_constant<Index, Piece>{});
        }
    } else {
        for (Index begin = 0; begin < count; ++begin) f(begin, std::integral_constant<Index, 1>{});
    }
}

/// to[i] = value(i), rounded to T. Goes through a local array, which nothing else can overlap, so
/// that compilers vectorise without a check and `to` may be what value(i) reads.
template <class T, class Value>
[[gnu::always_inline]] inline void compute_run(Index count, T* to, const Value& value) {
    in_pieces<32>(count, [&](Index at, auto length) {
        T piece[32];
        for (Index i = 0; i < length; ++i) piece[i] = static_cast<T>(value(at + i));
        for (Index i = 0; i < length; ++i) to[at + i] = piece[i];
    });
}

/// The same where value(i) reads nothing of `to`, for runs so short that their last piece matters.
template <class T, class Value>
[[gnu::always_inline]] inline void compute_apart(Index count, T* to, const Value& value) {
    in_overlapping_pieces<32>(count, [&](Index at, auto length) {
        T piece[32];
        for (Index i = 0; i < length; ++i) piece[i] = static_cast<T>(value(at + i));
        for (Index i = 0; i < length; ++i) to[at + i] = piece[i];
    });
}

namespace detail {

/// As many whole pieces as fit, and one that ends with the run and overlaps the one before.
template <Index Piece, class T>
inline void copy_overlapping(const T* __restrict from, T* __restrict to, Index count) {
    constexpr std::size_t bytes = static_cast<std::size_t>(Piece) * sizeof(T);
    for (Index i = 0; i + Piece < count; i += Piece) std::memcpy(to + i, from + i, bytes);
    std::memcpy(to + count - Piece, from + count - Piece, bytes);
}

}  // namespace detail

/// to = from, without a call: one row of a patch of three channels is too short for that.
template <class T>
inline void copy_run(const T* __restrict from, T* __restrict to, Index count) {
    if (count >= 16) {
        detail::copy_overlapping<16>(from, to, count);
    } else if (count >= 8) {
        detail::copy_overlapping<8>(from, to, count);
    } else if (count >= 4) {
        detail::copy_overlapping<4>(from, to, count);
    } else {
        for (Index i = 0; i < count; ++i) to[i] = from[i];
    }
}

/// to += from
template <class T>
inline void add_run(const T* __restrict from, T* __restrict to, Index count) {
    Index i = 0;
    for (; i + 16 <= count; i += 16) {
        for (Index k = 0; k < 16; ++k) to[i + k] += from[i + k];
    }
    for (; i + 4 <= count; i += 4) {
        for (Index k = 0; k < 4; ++k) to[i + k] += from[i + k];
    }
    for (; i < count; ++i) to[i] += from[i];
}

}  // namespace tessera::cpu
