// SPDX-License-Identifier: MIT
// Softmax over the channels of each position.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "tessera/core/shape.hpp"

namespace tessera::reference {

/// SoftmaxOp of backend/concept.hpp.
struct Softmax {
    template <class T>
    static void forward(Index rows, Index channels, const T* x, T* y) {
        using Sum = std::common_type_t<T, double>;
        for (Index at = 0; at < rows * channels; at += channels) {
            const T top = *std::max_element(x + at, x + at + channels);
            Sum sum = 0;
            for (Index c = 0; c < channels; ++c) sum += std::exp(Sum{x[at + c]} - top);
            for (Index c = 0; c < channels; ++c) {
                y[at + c] = static_cast<T>(std::exp(Sum{x[at + c]} - top) / sum);
            }
        }
    }

    /// dx = y * (dy - sum of y * dy)
    template <class T>
    static void backward(Index rows, Index channels, const T* y, const T* dy, T* dx) {
        if (!dx) return;
        for (Index at = 0; at < rows * channels; at += channels) {
            std::common_type_t<T, double> sum = 0;
            for (Index c = 0; c < channels; ++c) sum += double{1} * y[at + c] * dy[at + c];
            for (Index c = 0; c < channels; ++c) {
                dx[at + c] = static_cast<T>(y[at + c] * (dy[at + c] - sum));
            }
        }
    }
};

}  // namespace tessera::reference
