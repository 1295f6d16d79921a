// SPDX-License-Identifier: MIT
// Rectification.
#pragma once

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/pieces.hpp"

namespace tessera::cpu {

/// ReluOp of backend/concept.hpp. NaN passes through.
struct Relu {
    template <class T>
    static void forward(Index n, const T* x, T* y) {
        each(
            n, [&](Index i) { return x[i] < 0 ? T{0} : x[i]; }, y);
    }

    template <class T>
    static void backward(Index n, const T* y, const T* dy, T* dx) {
        if (dx)
            each(
                n, [&](Index i) { return y[i] > 0 ? dy[i] : T{0}; }, dx);
    }

private:
    /// to[i] = value(i), a piece at a time, so that `to` may be what value reads.
    template <class T, class Value>
    static void each(Index n, const Value& value, T* to) {
        constexpr Index width = 64;
        parallel_for(n, threads_for(n, max_threads()), [&](Index begin, Index end, int) {
            in_pieces<width>(end - begin, [&](Index at, auto length) {
                T piece[width];
                for (Index i = 0; i < length; ++i) piece[i] = value(begin + at + i);
                for (Index i = 0; i < length; ++i) to[begin + at + i] = piece[i];
            });
        });
    }
};

}  // namespace tessera::cpu
