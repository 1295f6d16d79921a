// SPDX-License-Identifier: MIT
// Softmax over the channels of each position.
#pragma once

#include <algorithm>
#include <cmath>

#include "tessera/backend/cpu/parallel.hpp"

namespace tessera::cpu {

/// SoftmaxOp of backend/concept.hpp.
struct Softmax {
    template <class T>
    static void forward(Index rows, Index channels, const T* x, T* y) {
        parallel_for(rows, threads_for(rows * channels * 8, max_threads()),
                     [&](Index begin, Index end, int) {
                         for (Index row = begin; row < end; ++row) {
                             const T* from = x + row * channels;
                             T* to = y + row * channels;
                             const T top = *std::max_element(from, from + channels);
                             double sum = 0;
                             for (Index c = 0; c < channels; ++c) {
                                 to[c] = std::exp(from[c] - top);
                                 sum += to[c];
                             }
                             const T factor = static_cast<T>(1 / sum);
                             for (Index c = 0; c < channels; ++c) to[c] *= factor;
                         }
                     });
    }

    /// dx = y * (dy - sum of y * dy)
    template <class T>
    static void backward(Index rows, Index channels, const T* y, const T* dy, T* dx) {
        if (!dx) return;
        parallel_for(rows, threads_for(rows * channels, max_threads()),
                     [&](Index begin, Index end, int) {
                         for (Index at = begin * channels; at < end * channels; at += channels) {
                             double sum = 0;
                             for (Index c = at; c < at + channels; ++c)
                                 sum += double{1} * y[c] * dy[c];
                             const T shared = static_cast<T>(sum);
                             for (Index c = at; c < at + channels; ++c) {
                                 dx[c] = y[c] * (dy[c] - shared);
                             }
                         }
                     });
    }
};

}  // namespace tessera::cpu
