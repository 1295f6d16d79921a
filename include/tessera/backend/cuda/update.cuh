// SPDX-License-Identifier: MIT
// One step of each optimiser, as the formulas of backend/geometry.hpp, in the type of the weights.
// Reads the gradient once, reads and writes the rest once: 20 bytes a weight for momentum, 28 for
// AdamW, and 2 more where a copy of the weights in bfloat16 is kept.
#pragma once

#include <cmath>

#include "tessera/backend/cuda/wide.cuh"
#include "tessera/backend/geometry.hpp"

namespace tessera::cuda {

template <class T, int Width>
struct SgdUpdate {
    Index packs;
    Momentum form;
    T rate, momentum, decay, gradient_scale;
    const T* g;
    T* v;
    T* w;
    Bf16* working;

    __device__ void operator()() const {
        const Index i = global_thread() * Width;
        if (i >= packs * Width) return;
        const Pack<T, Width> gradients = load<Width>(g + i);
        Pack<T, Width> velocities = load<Width>(v + i), weights = load<Width>(w + i);
        for (int k = 0; k < Width; ++k) {
            const T gradient = gradient_scale * gradients[k] + decay * weights[k];
            if (form == Momentum::krizhevsky) {
                velocities[k] = momentum * velocities[k] - rate * gradient;
                weights[k] += velocities[k];
            } else {
                velocities[k] = momentum * velocities[k] + gradient;
                const bool ahead = form == Momentum::nesterov;
                weights[k] -= rate * (ahead ? gradient + momentum * velocities[k] : velocities[k]);
            }
        }
        store(v + i, velocities);
        store(w + i, weights);
        if (working) store_rounded(working + i, weights);
    }
};

/// With m and v after the step,  w = keep * w - rate * m / (root_factor * sqrt(v) + epsilon).
template <class T, int Width>
struct AdamWUpdate {
    Index packs;
    T gradient_scale, beta1, rest1, beta2, rest2;  ///< rest1 = 1 - beta1, rest2 = 1 - beta2
    T keep, rate, root_factor, epsilon;
    const T* g;
    T* m;
    T* v;
    T* w;
    Bf16* working;

    __device__ void operator()() const {
        const Index i = global_thread() * Width;
        if (i >= packs * Width) return;
        const Pack<T, Width> gradients = load<Width>(g + i);
        Pack<T, Width> means = load<Width>(m + i), squares = load<Width>(v + i);
        Pack<T, Width> weights = load<Width>(w + i);
        for (int k = 0; k < Width; ++k) {
            const T gradient = gradient_scale * gradients[k];
            means[k] = beta1 * means[k] + rest1 * gradient;
            squares[k] = beta2 * squares[k] + rest2 * gradient * gradient;
            weights[k] = keep * weights[k] -
                         rate * means[k] / (root_factor * std::sqrt(squares[k]) + epsilon);
        }
        store(m + i, means);
        store(v + i, squares);
        store(w + i, weights);
        if (working) store_rounded(working + i, weights);
    }
};

/// UpdateOp of backend/concept.hpp. `working`, unless it is null, gets the new weights in bfloat16,
/// as the products of the next step read them; what is learnt stays in T, where small steps add up.
struct Update {
    template <class T>
    static void sgd(Index n, const SgdStep& step, const T* g, T* v, T* w, Bf16* working = nullptr) {
        with_width<T>(
            n,
            [&](auto width) {
                const Index packs = n / width;
                launch(
                    "sgd", blocks_for(packs), default_threads,
                    SgdUpdate<T, width>{packs, step.form, static_cast<T>(step.rate),
                                        static_cast<T>(step.momentum), static_cast<T>(step.decay),
                                        static_cast<T>(step.gradient_scale), g, v, w, working});
            },
            g, v, w, working);
    }

    template <class T>
    static void adamw(Index n, const AdamWStep& step, const T* g, T* m, T* v, T* w,
                      Bf16* working = nullptr) {
        const double count = static_cast<double>(step.step);
        const double rate = step.rate / (1 - std::pow(step.beta1, count));
        const double root_factor = 1 / std::sqrt(1 - std::pow(step.beta2, count));
        with_width<T>(
            n,
            [&](auto width) {
                const Index packs = n / width;
                launch(
                    "adamw", blocks_for(packs), default_threads,
                    AdamWUpdate<T, width>{
                        packs, static_cast<T>(step.gradient_scale), static_cast<T>(step.beta1),
                        static_cast<T>(1 - step.beta1), static_cast<T>(step.beta2),
                        static_cast<T>(1 - step.beta2), static_cast<T>(1 - step.rate * step.decay),
                        static_cast<T>(rate), static_cast<T>(root_factor),
                        static_cast<T>(step.epsilon), g, m, v, w, working});
            },
            g, m, v, w, working);
    }
};

}  // namespace tessera::cuda
