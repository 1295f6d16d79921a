// SPDX-License-Identifier: MIT
// Rectification.
#pragma once

#include "tessera/core/shape.hpp"

namespace tessera::reference {

/// ReluOp of backend/concept.hpp. NaN passes through.
struct Relu {
    template <class T>
    static void forward(Index n, const T* x, T* y) {
        for (Index i = 0; i < n; ++i) y[i] = x[i] < 0 ? T{0} : x[i];
    }

    template <class T>
    static void backward(Index n, const T* y, const T* dy, T* dx) {
        if (!dx) return;
        for (Index i = 0; i < n; ++i) dx[i] = y[i] > 0 ? dy[i] : T{0};
    }
};

}  // namespace tessera::reference
