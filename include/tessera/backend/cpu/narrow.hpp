// SPDX-License-Identifier: MIT
// Numbers to a narrower type, rounded to nearest: parameters for the products of a network in Bf16,
// its input, and sums that were in float.
#pragma once

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/core/bfloat16.hpp"

namespace tessera::cpu {

struct Narrow {
    /// y[i] = x[i], rounded.
    static void forward(Index n, const float* x, Bf16* y) {
        parallel_for(n, threads_for(n, max_threads()), [=](Index begin, Index end, int) {
            compute_run(end - begin, y + begin, [from = x + begin](Index i) { return from[i]; });
        });
    }
};

}  // namespace tessera::cpu
