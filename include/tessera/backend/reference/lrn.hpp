// SPDX-License-Identifier: MIT
// Response normalisation across channels as its formula (Krizhevsky et al., NIPS 2012, section
// 3.3).
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "tessera/backend/geometry.hpp"

namespace tessera::reference {

/// LrnOp of backend/concept.hpp. The window of channel i is i - size / 2 .. i + (size - 1) / 2.
struct Lrn {
    template <class T>
    static void forward(const LrnGeometry& g, const T* x, T* y, std::type_identity_t<T>* scale) {
        using Sum = std::common_type_t<T, double>;
        const Index channels = g.shape.channels;
        for (Index row = 0; row < g.batch * g.shape.area(); ++row) {
            const Index at = row * channels;
            for (Index i = 0; i < channels; ++i) {
                const Index last = std::min<Index>(channels - 1, i + (g.size - 1) / 2);
                Sum squares = 0;
                for (Index j = std::max<Index>(0, i - g.size / 2); j <= last; ++j) {
                    squares += Sum{x[at + j]} * x[at + j];
                }
                const Sum s = g.k + g.alpha * squares;
                if (scale) scale[at + i] = static_cast<T>(s);
                y[at + i] = static_cast<T>(x[at + i] * std::pow(s, -g.beta));
            }
        }
    }

    /// dx[i] = dy[i] * scale[i]^-beta
    ///         - 2 * alpha * beta * x[i] * sum over j whose window holds i of dy[j] y[j] / scale[j]
    template <class T>
    static void backward(const LrnGeometry& g, const T* x, const T* y, const T* scale, const T* dy,
                         T* dx) {
        if (!dx) return;
        using Sum = std::common_type_t<T, double>;
        const Index channels = g.shape.channels;
        for (Index row = 0; row < g.batch * g.shape.area(); ++row) {
            const Index at = row * channels;
            for (Index i = 0; i < channels; ++i) {
                const Index last = std::min<Index>(channels - 1, i + g.size / 2);
                Sum shared = 0;
                for (Index j = std::max<Index>(0, i - (g.size - 1) / 2); j <= last; ++j) {
                    shared += Sum{dy[at + j]} * y[at + j] / scale[at + j];
                }
                dx[at + i] = static_cast<T>(dy[at + i] * std::pow(Sum{scale[at + i]}, -g.beta) -
                                            2 * g.alpha * g.beta * x[at + i] * shared);
            }
        }
    }
};

}  // namespace tessera::reference
