// SPDX-License-Identifier: MIT
// One step of each optimiser in one pass over its arrays.
#pragma once

#include <cmath>

#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/geometry.hpp"

namespace tessera::cpu {

/// UpdateOp of backend/concept.hpp.
struct Update {
    template <class T>
    static void sgd(Index n, const SgdStep& step, const T* g, T* v, T* w) {
        const T scale = static_cast<T>(step.gradient_scale), decay = static_cast<T>(step.decay);
        const T momentum = static_cast<T>(step.momentum), rate = static_cast<T>(step.rate);
        // w -= ahead * gradient + along * velocity, and v = momentum * v + inward * gradient
        const bool krizhevsky = step.form == Momentum::krizhevsky;
        const bool nesterov = step.form == Momentum::nesterov;
        const T inward = krizhevsky ? -rate : T{1};
        const T along = krizhevsky ? T{-1} : nesterov ? rate * momentum : rate;
        const T ahead = nesterov ? rate : T{0};
        each_piece(n, [=](Index at, auto length) {
            const T* __restrict gradients = g + at;
            T* __restrict velocities = v + at;
            T* __restrict weights = w + at;
            for (Index i = 0; i < length; ++i) {
                const T gradient = scale * gradients[i] + decay * weights[i];
                const T velocity = momentum * velocities[i] + inward * gradient;
                velocities[i] = velocity;
                weights[i] -= ahead * gradient + along * velocity;
            }
        });
    }

    template <class T>
    static void adamw(Index n, const AdamWStep& step, const T* g, T* m, T* v, T* w) {
        const double count = static_cast<double>(step.step);
        const T scale = static_cast<T>(step.gradient_scale);
        const T beta1 = static_cast<T>(step.beta1), rest1 = static_cast<T>(1 - step.beta1);
        const T beta2 = static_cast<T>(step.beta2), rest2 = static_cast<T>(1 - step.beta2);
        const T rate = static_cast<T>(step.rate / (1 - std::pow(step.beta1, count)));
        const T unbias = static_cast<T>(1 / (1 - std::pow(step.beta2, count)));
        const T keep = static_cast<T>(1 - step.rate * step.decay);
        const T epsilon = static_cast<T>(step.epsilon);
        each_piece(n, [=](Index at, auto length) {
            const T* __restrict gradients = g + at;
            T* __restrict means = m + at;
            T* __restrict squares = v + at;
            T* __restrict weights = w + at;
            for (Index i = 0; i < length; ++i) {
                const T gradient = scale * gradients[i];
                const T mean = beta1 * means[i] + rest1 * gradient;
                const T square = beta2 * squares[i] + rest2 * gradient * gradient;
                const T root = unbias * square * inverse_root(unbias * square);
                means[i] = mean;
                squares[i] = square;
                weights[i] = keep * weights[i] - rate * mean / (root + epsilon);
            }
        });
    }

private:
    template <class F>
    static void each_piece(Index n, const F& f) {
        parallel_for(n, threads_for(n, max_threads()), [&](Index begin, Index end, int) {
            in_pieces<16>(end - begin, [&](Index at, auto length) { f(begin + at, length); });
        });
    }
};

}  // namespace tessera::cpu
