// SPDX-License-Identifier: MIT
// Rectification. Memory is the limit: back, 12 bytes a number and 4 that are read to be written.
// There, loading the gradient only where the output is positive took 1.1 to 2 times as long at
// batches of 16 and 128 in AlexNet: the one load waits for the other. 128 images of 96 x 55 x 55
// take 5.1 ms, back 7.6, at 58 GB/s on two cores of Zen 5 (bench/run.sh); one lies in the caches,
// 0.011 and 0.019 ms.
#pragma once

#include "tessera/backend/cpu/lanes.hpp"
#include "tessera/backend/cpu/parallel_vectors.hpp"

namespace tessera::cpu {

/// ReluOp of backend/concept.hpp. NaN passes through.
struct Relu {
    template <class T>
    static void forward(Index n, const T* x, T* y) {
        parallel_vectors(n, threads_for(n, max_threads()), [=](auto bytes, Index begin, Index end) {
            in_vectors<bytes, T>(
                end - begin, [=](auto vectors, auto count,
                                 Index at) __attribute__((always_inline)) {
                    using V = decltype(vectors);
                    constexpr int most = count;
                    typename V::Lanes values[most];
#pragma GCC unroll 6
                    for (int v = 0; v < most; ++v)
                        V::load(x + begin + at + v * V::lanes, values[v]);
#pragma GCC unroll 6
                    for (int v = 0; v < most; ++v) {
                        values[v] =
                            values[v] < typename V::Lanes{} ? typename V::Lanes{} : values[v];
                        V::store(values[v], y + begin + at + v * V::lanes);
                    }
                });
        });
    }

    template <class T>
    static void backward(Index n, const T* y, const T* dy, T* dx) {
        if (!dx) return;
        parallel_vectors(n, threads_for(n, max_threads()), [=](auto bytes, Index begin, Index end) {
            in_vectors<bytes, T>(
                end - begin, [=](auto vectors, auto count,
                                 Index at) __attribute__((always_inline)) {
                    using V = decltype(vectors);
                    constexpr int most = count;
                    typename V::Lanes outputs[most], gradients[most];
#pragma GCC unroll 6
                    for (int v = 0; v < most; ++v) {
                        V::load(y + begin + at + v * V::lanes, outputs[v]);
                        V::load(dy + begin + at + v * V::lanes, gradients[v]);
                    }
                    const auto zero = reinterpret_cast<typename V::Lanes>(
                        typename V::Integers{} + after_loads(typename V::Integer{0}));
#pragma GCC unroll 6
                    for (int v = 0; v < most; ++v) {
                        gradients[v] = outputs[v] > zero ? gradients[v] : typename V::Lanes{};
                        V::store(gradients[v], dx + begin + at + v * V::lanes);
                    }
                });
        });
    }
};

}  // namespace tessera::cpu
