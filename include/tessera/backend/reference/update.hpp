// SPDX-License-Identifier: MIT
// One step of each optimiser, as the formulas of backend/geometry.hpp.
#pragma once

#include <cmath>
#include <type_traits>

#include "tessera/backend/geometry.hpp"

namespace tessera::reference {

/// UpdateOp of backend/concept.hpp.
struct Update {
    template <class T>
    static void sgd(Index n, const SgdStep& step, const T* g, T* v, T* w) {
        using Wide = std::common_type_t<T, double>;
        for (Index i = 0; i < n; ++i) {
            const Wide gradient = step.gradient_scale * g[i] + step.decay * w[i];
            if (step.form == Momentum::krizhevsky) {
                const Wide velocity = step.momentum * v[i] - step.rate * gradient;
                v[i] = static_cast<T>(velocity);
                w[i] = static_cast<T>(w[i] + velocity);
            } else {
                const Wide velocity = step.momentum * v[i] + gradient;
                const bool ahead = step.form == Momentum::nesterov;
                v[i] = static_cast<T>(velocity);
                w[i] = static_cast<T>(
                    w[i] - step.rate * (ahead ? gradient + step.momentum * velocity : velocity));
            }
        }
    }

    template <class T>
    static void adamw(Index n, const AdamWStep& step, const T* g, T* m, T* v, T* w) {
        using Wide = std::common_type_t<T, double>;
        const double count = static_cast<double>(step.step);
        for (Index i = 0; i < n; ++i) {
            const Wide gradient = step.gradient_scale * g[i];
            const Wide mean = step.beta1 * m[i] + (1 - step.beta1) * gradient;
            const Wide square = step.beta2 * v[i] + (1 - step.beta2) * gradient * gradient;
            const Wide unbiased_mean = mean / (1 - std::pow(step.beta1, count));
            const Wide unbiased_square = square / (1 - std::pow(step.beta2, count));
            m[i] = static_cast<T>(mean);
            v[i] = static_cast<T>(square);
            w[i] = static_cast<T>(w[i] * (1 - step.rate * step.decay) -
                                  step.rate * unbiased_mean /
                                      (std::sqrt(unbiased_square) + step.epsilon));
        }
    }
};

}  // namespace tessera::reference
