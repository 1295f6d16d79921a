// SPDX-License-Identifier: MIT
// The ReLU behind an op, and the gradient of the one before it, on numbers that are still in the
// cache.
#pragma once

#include "tessera/backend/cpu/pieces.hpp"

namespace tessera::cpu {

/// x = max(x, 0); NaN stays NaN.
template <class T>
void rectify(Index count, T* x) {
    compute_run(count, x, [=](Index i) { return x[i] < 0 ? T{} : x[i]; });
}

/// dx = rectified > 0 ? dx : 0, with the ReLU's outputs.
template <class T, class S>
void rectify_gradient(Index count, const T* rectified, S* dx) {
    compute_run(count, dx, [=](Index i) {
        const S passed = dx[i];  // loaded in any case: a branch here costs 20 times more
        return rectified[i] > 0 ? passed : S{};
    });
}

}  // namespace tessera::cpu
