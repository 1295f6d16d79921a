// SPDX-License-Identifier: MIT
// Ops whose numbers may be stored in bfloat16: they load into float, calculate there and round
// once, when they store. Other types stay what they are. A pack of 16 bytes has 8 numbers in
// bfloat16, so that a thread asks for as many bytes as with 4 floats.
#pragma once

#include "tessera/backend/cuda/bfloat16.cuh"

namespace tessera::cuda {

/// What is calculated in where T is stored.
template <class T>
using Wide = Master<T>;

/// The pack at `from`, as load().
template <int Width, class T>
__device__ Pack<Wide<T>, Width> load_wide(const T* from) {
    if constexpr (std::is_same_v<T, Wide<T>>) {
        return load<Width>(from);
    } else {
        const Pack<T, Width> stored = load<Width>(from);
        Pack<Wide<T>, Width> values;
        for (int i = 0; i < Width; ++i) values[i] = widened(stored[i]);
        return values;
    }
}

/// Stores the pack, rounded.
template <class T, class W, int Width>
__device__ void store_rounded(T* to, const Pack<W, Width>& values) {
    store(to, narrowed<T>(values));
}

/// One number, rounded to T.
template <class T>
__device__ T rounded(Wide<T> value) {
    return narrowed<T>(Pack<Wide<T>, 1>{{value}})[0];
}

}  // namespace tessera::cuda
