// SPDX-License-Identifier: MIT
// Numbers to a narrower type, rounded to nearest: parameters for the products of a network in Bf16,
// its input, and sums that were in float. Memory is the limit: 37.7 million parameters, 226 MB,
// take 4.0 to 5.6 ms on two cores of Zen 5, 41 to 56 GB/s (bench/run.sh).
#pragma once

#include "tessera/backend/cpu/parallel_vectors.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/core/bfloat16.hpp"

namespace tessera::cpu {

/// y[i] = x[i], rounded.
template <class From, class T>
[[gnu::always_inline]] inline void narrow_run(Index n, const From* x, T* y) {
    compute_run(n, y, [=](Index i) { return static_cast<Master<T>>(x[i]); });
}

struct Narrow {
    /// y[i] = x[i], rounded.
    template <class T>
    static void forward(Index n, const Master<T>* x, T* y) {
        parallel_vectors(n, threads_for(n, max_threads()), [=](Index begin, Index end) {
            narrow_run(end - begin, x + begin, y + begin);
        });
    }
};

}  // namespace tessera::cpu
