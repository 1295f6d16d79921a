// SPDX-License-Identifier: MIT
// One step of each optimiser in one pass through memory, which is the limit: with momentum 24 bytes
// are read and written for a parameter, 60 to 94 GB/s for the 38 million of AlexNet's FC6, which
// take 9.6 to 15 ms (two cores of Zen 5, bench_op_ops).
#pragma once

#include <cmath>
#include <span>

#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/parallel_vectors.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/geometry.hpp"

namespace tessera::cpu {

/// UpdateOp of backend/concept.hpp.
struct Update {
    template <class T>
    static void sgd(std::span<const UpdatePiece<T, 1>> pieces, const SgdStep& step) {
        for (const auto& piece : pieces) advance(piece, step);
    }
    template <class T>
    static void adamw(std::span<const UpdatePiece<T, 2>> pieces, const AdamWStep& step) {
        for (const auto& piece : pieces) advance(piece, step);
    }

private:
    template <class T>
    static void advance(const UpdatePiece<T, 1>& piece, const SgdStep& step) {
        const T scale = static_cast<T>(step.gradient_scale);
        const T decay = static_cast<T>(step.decay * piece.decay);
        const T momentum = static_cast<T>(step.momentum);
        const T rate = static_cast<T>(step.rate * piece.rate);
        // w -= ahead * gradient + along * velocity, and v = momentum * v + inward * gradient
        const bool krizhevsky = step.form == Momentum::krizhevsky;
        const bool nesterov = step.form == Momentum::nesterov;
        const T inward = krizhevsky ? -rate : T{1};
        const T along = krizhevsky ? T{-1} : nesterov ? rate * momentum : rate;
        const T ahead = nesterov ? rate : T{0};
        const auto step_run = [=](Index at, auto length) __attribute__((always_inline)) {
            const T* gradients = piece.gradient + at;
            T* velocities = piece.state[0] + at;
            T* weights = piece.weights + at;
            T velocity[lanes], weight[lanes];
            for (Index i = 0; i < length; ++i) {
                const T gradient = scale * gradients[i] + decay * weights[i];
                velocity[i] = momentum * velocities[i] + inward * gradient;
                weight[i] = weights[i] - (ahead * gradient + along * velocity[i]);
            }
            for (Index i = 0; i < length; ++i) velocities[i] = velocity[i];
            for (Index i = 0; i < length; ++i) weights[i] = weight[i];
        };
        each_run(piece, step_run);
    }

    template <class T>
    static void advance(const UpdatePiece<T, 2>& piece, const AdamWStep& step) {
        const double count = static_cast<double>(step.step);
        const double own_rate = step.rate * piece.rate, own_decay = step.decay * piece.decay;
        const T scale = static_cast<T>(step.gradient_scale);
        const T beta1 = static_cast<T>(step.beta1), rest1 = static_cast<T>(1 - step.beta1);
        const T beta2 = static_cast<T>(step.beta2), rest2 = static_cast<T>(1 - step.beta2);
        const T rate = static_cast<T>(own_rate / (1 - std::pow(step.beta1, count)));
        const T unbias = static_cast<T>(1 / (1 - std::pow(step.beta2, count)));
        const T keep = static_cast<T>(1 - own_rate * own_decay);
        const T epsilon = static_cast<T>(step.epsilon);
        const auto step_run = [=](Index at, auto length) __attribute__((always_inline)) {
            const T* gradients = piece.gradient + at;
            T* means = piece.state[0] + at;
            T* squares = piece.state[1] + at;
            T* weights = piece.weights + at;
            T mean[lanes], square[lanes], weight[lanes];
            for (Index i = 0; i < length; ++i) {
                const T gradient = scale * gradients[i];
                mean[i] = beta1 * means[i] + rest1 * gradient;
                square[i] = beta2 * squares[i] + rest2 * gradient * gradient;
                const T unbiased = unbias * square[i];
                const T root = unbiased * inverse_root(unbiased);
                weight[i] = keep * weights[i] - rate * mean[i] / (root + epsilon);
            }
            for (Index i = 0; i < length; ++i) means[i] = mean[i];
            for (Index i = 0; i < length; ++i) squares[i] = square[i];
            for (Index i = 0; i < length; ++i) weights[i] = weight[i];
        };
        each_run(piece, step_run);
    }

    static constexpr Index lanes = 32;

    /// f(begin, length) for runs of at most `lanes` numbers, whose gradient is then cleared and
    /// their working copy made.
    template <class Piece, class F>
    static void each_run(const Piece& piece, const F& f) {
        const Index n = piece.count;
        parallel_vectors(n, threads_for(n, max_threads()), [&](Index begin, Index end) {
            in_pieces<lanes>(end - begin, [&](Index run, auto length) {
                const Index at = begin + run;
                f(at, length);
                for (Index i = 0; i < length; ++i) piece.gradient[at + i] = 0;
                for (Index i = 0; piece.working && i < length; ++i) {
                    piece.working[at + i] = Bf16(static_cast<float>(piece.weights[at + i]));
                }
            });
        });
    }
};

}  // namespace tessera::cpu
