// SPDX-License-Identifier: MIT
// Softmax over the channels of each position.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/core/bfloat16.hpp"

namespace tessera::cpu {

/// SoftmaxOp of backend/concept.hpp.
struct Softmax {
    template <class T>
    static void forward(Index rows, Index channels, const T* x, T* y) {
        using S = Master<T>;
        constexpr bool narrow = !std::is_same_v<S, T>;
        parallel_for(rows, threads_for(rows * channels * 8, max_threads()),
                     [&](Index begin, Index end, int) {
                         for (Index row = begin; row < end; ++row) {
                             const T* from = x + row * channels;
                             T* to = y + row * channels;
                             const S top = *std::max_element(from, from + channels);
                             double sum = 0;
                             for (Index c = 0; c < channels; ++c) {
                                 const S power = std::exp(from[c] - top);
                                 if constexpr (!narrow) to[c] = power;
                                 sum += power;
                             }
                             const S factor = static_cast<S>(1 / sum);
                             for (Index c = 0; c < channels; ++c) {
                                 // Powers that were rounded would be rounded twice.
                                 const S power = narrow ? std::exp(from[c] - top) : S{to[c]};
                                 to[c] = static_cast<T>(power * factor);
                             }
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
                             const auto shared = static_cast<Master<T>>(sum);
                             for (Index c = at; c < at + channels; ++c) {
                                 dx[c] = static_cast<T>(y[c] * (dy[c] - shared));
                             }
                         }
                     });
    }
};

}  // namespace tessera::cpu
