// SPDX-License-Identifier: MIT
// Rectification.
#pragma once

#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/with_instructions.hpp"

namespace tessera::cpu {

/// ReluOp of backend/concept.hpp. NaN passes through.
struct Relu {
    template <class T>
    static void forward(Index n, const T* x, T* y) {
        parallel_vectors(n, threads_for(n, max_threads()), [=](Index begin, Index end) {
            const T* from = x + begin;
            compute_run(end - begin, y + begin,
                        [=](Index i) { return from[i] < 0 ? T{} : from[i]; });
        });
    }

    template <class T>
    static void backward(Index n, const T* y, const T* dy, T* dx) {
        if (!dx) return;
        parallel_vectors(n, threads_for(n, max_threads()), [=](Index begin, Index end) {
            const T* output = y + begin;
            const T* gradient = dy + begin;
            compute_run(end - begin, dx + begin, [=](Index i) {
                const T passed =
                    gradient[i];  // loaded in any case: a branch here costs 20 times more
                return output[i] > 0 ? passed : T{};
            });
        });
    }
};

}  // namespace tessera::cpu
