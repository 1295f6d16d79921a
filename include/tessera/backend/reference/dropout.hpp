// SPDX-License-Identifier: MIT
// Inverted dropout: kept elements grow by 1 / (1 - rate), so that inference does nothing.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tessera/core/random.hpp"
#include "tessera/core/shape.hpp"

namespace tessera::reference {

/// DropoutOp of backend/concept.hpp. A dropped element is 0 even where x is not finite.
struct Dropout {
    template <class T>
    static void forward(Index n, double rate, const Stream& stream, const T* x, T* y,
                        std::uint8_t* mask) {
        if (!mask) {
            if (y != x) std::copy_n(x, n, y);
            return;
        }
        const T factor = static_cast<T>(1 / (1 - rate));
        for (Index i = 0; i < n; ++i) {
            const std::uint32_t word = random_block(
                stream, static_cast<std::uint32_t>(i / 4))[static_cast<std::size_t>(i % 4)];
            mask[i] = static_cast<double>(unit_interval(word)) >= rate;
            y[i] = mask[i] ? x[i] * factor : T{0};
        }
    }

    template <class T>
    static void backward(Index n, double rate, const std::uint8_t* mask, const T* dy, T* dx) {
        if (!dx) return;
        const T factor = static_cast<T>(1 / (1 - rate));
        for (Index i = 0; i < n; ++i) dx[i] = mask[i] ? dy[i] * factor : T{0};
    }
};

}  // namespace tessera::reference
