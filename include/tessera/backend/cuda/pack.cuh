// SPDX-License-Identifier: MIT
// Pack: the numbers one thread moves at once. 16 bytes are the widest load of a GPU; a warp then
// asks for whole lines, and half the requests of an 8-byte load are in flight for the same bytes.
#pragma once

#include <cstdint>

#include "tessera/backend/cuda/runtime.cuh"
#include "tessera/core/pack.hpp"

namespace tessera::cuda {

/// `Width` numbers that lie side by side, at most 16 bytes of them in one piece.
template <class T, int Width>
struct alignas(Width * sizeof(T) < 16 ? Width * sizeof(T) : 16) Pack {
    T values[Width];

    __device__ T& operator[](int i) { return values[i]; }
    __device__ const T& operator[](int i) const { return values[i]; }
};

/// Numbers of 16 bytes.
template <class T>
inline constexpr int pack_width = static_cast<int>(16 / sizeof(T));

/// The pack at `from`, which is a multiple of its alignment.
template <int Width, class T>
__device__ Pack<T, Width> load(const T* from) {
    return *reinterpret_cast<const Pack<T, Width>*>(from);
}
template <int Width, class T>
__device__ void store(T* to, const Pack<T, Width>& pack) {
    *reinterpret_cast<Pack<T, Width>*>(to) = pack;
}

namespace detail {
/// Whether arrays can be moved in packs: each begins at a multiple of 16 bytes (or is null), and
/// rows of `length` numbers are whole packs.
template <class T, class... Arrays>
bool can_pack(Index length, const Arrays*... arrays) {
    const bool begin = ((reinterpret_cast<std::uintptr_t>(arrays) % 16 == 0) && ...);
    return begin && length % pack_width<T> == 0;
}

/// Up to four numbers, the first `count` of which are in memory, in whole packs or one by one.
template <class T>
__device__ Pack<T, 4> load_four(const T* from, Index count, bool in_packs) {
    if (in_packs && count >= 4) return load<4>(from);
    Pack<T, 4> four{};
    for (int k = 0; k < 4; ++k) {
        if (k < count) four[k] = from[k];
    }
    return four;
}
template <class T>
__device__ void store_four(T* to, const Pack<T, 4>& four, Index count, bool in_packs) {
    if (in_packs && count >= 4) return store(to, four);
    for (int k = 0; k < 4; ++k) {
        if (k < count) to[k] = four[k];
    }
}
}  // namespace detail

/// Calls body(Position<width>{}) with the width of the packs that fit: 16 bytes or one number.
/// `length` is that of a row, whose packs must not reach into the next.
template <class T, class Body, class... Arrays>
void with_width(Index length, const Body& body, const Arrays*... arrays) {
    if (detail::can_pack<T>(length, arrays...)) {
        body(Position<pack_width<T>>{});
    } else {
        body(Position<1>{});
    }
}

}  // namespace tessera::cuda
