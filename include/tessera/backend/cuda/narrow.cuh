// SPDX-License-Identifier: MIT
// Numbers to a narrower type, rounded to nearest: parameters for the products of a network in Bf16,
// and its input. 6 bytes an element: the 61 million parameters of AlexNet take 85 microseconds at
// 4.3 TB/s, so an optimiser's step writes both and this is for the rest.
#pragma once

#include "tessera/backend/cuda/bfloat16.cuh"

namespace tessera::cuda {

template <int Width>
struct NarrowNumbers {
    Index packs;
    const float* x;
    Bf16* y;

    __device__ void operator()() const {
        const Index i = global_thread() * Width;
        if (i >= packs * Width) return;
        store(y + i, narrowed<Bf16>(load<Width>(x + i)));
    }
};

struct Narrow {
    /// y[i] = x[i], rounded.
    static void forward(Index n, const float* x, Bf16* y) {
        with_width<Bf16>(
            n,
            [&](auto width) {
                const Index packs = n / width;
                launch("narrow", blocks_for(packs), default_threads,
                       NarrowNumbers<decltype(width)::value>{packs, x, y});
            },
            x, y);
    }
};

}  // namespace tessera::cuda
