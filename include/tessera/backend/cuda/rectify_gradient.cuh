// SPDX-License-Identifier: MIT
// The gradient of a ReLU, done by the op that computes the gradient of the ReLU's output: it reads
// that output, 4 bytes an element more (2 in bfloat16), where a pass of its own reads and writes
// 12 (6).
#pragma once

#include "tessera/backend/cuda/bfloat16.cuh"

namespace tessera::cuda {

/// Gradients become nought where `outputs`, a ReLU's, are not positive, NaN among them.
template <class T, class Out, int Width>
__device__ void rectify_gradient(Pack<T, Width>& gradients, const Pack<Out, Width>& outputs) {
    for (int i = 0; i < Width; ++i) {
        gradients[i] = widened(outputs[i]) > 0 ? gradients[i] : T{};
    }
}

}  // namespace tessera::cuda
