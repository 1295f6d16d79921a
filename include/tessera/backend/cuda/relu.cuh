// SPDX-License-Identifier: MIT
// Rectification. Reads and writes each number once: 8 bytes an element forward, 12 back, half of it
// in bfloat16, whose numbers are compared as floats and otherwise stay as they are.
#pragma once

#include "tessera/backend/cuda/rectify_gradient.cuh"
#include "tessera/backend/cuda/wide.cuh"

namespace tessera::cuda {

template <class T, int Width>
struct ReluForward {
    Index packs;
    const T* x;
    T* y;

    __device__ void operator()() const {
        const Index i = global_thread() * Width;
        if (i >= packs * Width) return;
        Pack<T, Width> values = load<Width>(x + i);
        for (T& value : values.values) value = widened(value) < 0 ? T{} : value;
        store(y + i, values);
    }
};

template <class T, int Width>
struct ReluBackward {
    Index packs;
    const T* y;
    const T* dy;
    T* dx;

    __device__ void operator()() const {
        const Index i = global_thread() * Width;
        if (i >= packs * Width) return;
        Pack<T, Width> gradients = load<Width>(dy + i);
        rectify_gradient(gradients, load<Width>(y + i));
        store(dx + i, gradients);
    }
};

/// ReluOp of backend/concept.hpp. NaN passes through.
struct Relu {
    template <class T>
    static void forward(Index n, const T* x, T* y) {
        with_width<T>(
            n,
            [&](auto width) {
                const Index packs = n / width;
                launch("relu", blocks_for(packs), default_threads,
                       ReluForward<T, width>{packs, x, y});
            },
            x, y);
    }

    template <class T>
    static void backward(Index n, const T* y, const T* dy, T* dx) {
        if (!dx) return;
        with_width<T>(
            n,
            [&](auto width) {
                const Index packs = n / width;
                launch("relu backward", blocks_for(packs), default_threads,
                       ReluBackward<T, width>{packs, y, dy, dx});
            },
            y, dy, dx);
    }
};

}  // namespace tessera::cuda
