// SPDX-License-Identifier: MIT
// The power of response normalisation.
#pragma once

#include <cmath>

#include "tessera/backend/cuda/runtime.cuh"

namespace tessera::cuda {

/// s^-beta. Three quarters, which nearly all networks take, by two roots.
template <class T>
struct InversePower {
    T beta;

    __device__ T operator()(T s) const {
        if (beta != T{0.75}) return std::pow(s, -beta);
        const T root = 1 / std::sqrt(s);
        return root * std::sqrt(root);
    }
};

}  // namespace tessera::cuda
