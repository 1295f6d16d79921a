// SPDX-License-Identifier: MIT
// One step of each optimiser in one pass through memory.
#pragma once

#include <algorithm>
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
        each_stretch(n, [=](Index at, Index length) {
            const T* gradients = g + at;
            T* velocities = v + at;
            T* weights = w + at;
            const auto gradient = [=](Index i) {
                return scale * gradients[i] + decay * weights[i];
            };
            compute_run(length, velocities,
                        [=](Index i) { return momentum * velocities[i] + inward * gradient(i); });
            compute_run(length, weights, [=](Index i) {
                return weights[i] - (ahead * gradient(i) + along * velocities[i]);
            });
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
        each_stretch(n, [=](Index at, Index length) {
            const T* gradients = g + at;
            T* means = m + at;
            T* squares = v + at;
            T* weights = w + at;
            compute_run(length, means,
                        [=](Index i) { return beta1 * means[i] + rest1 * (scale * gradients[i]); });
            compute_run(length, squares, [=](Index i) {
                const T gradient = scale * gradients[i];
                return beta2 * squares[i] + rest2 * gradient * gradient;
            });
            compute_run(length, weights, [=](Index i) {
                const T square = unbias * squares[i];
                const T root = square * inverse_root(square);
                return keep * weights[i] - rate * means[i] / (root + epsilon);
            });
        });
    }

private:
    /// Short enough that what one loop leaves the next finds in the nearest cache.
    template <class F>
    static void each_stretch(Index n, const F& f) {
        constexpr Index stretch = 1024;
        parallel_for(n, threads_for(n, max_threads()), [&](Index begin, Index end, int) {
            for (Index at = begin; at < end; at += stretch) f(at, std::min(stretch, end - at));
        });
    }
};

}  // namespace tessera::cpu
