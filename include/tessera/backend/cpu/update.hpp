// SPDX-License-Identifier: MIT
// One step of each optimiser in one pass through memory.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/narrow.hpp"
#include "tessera/backend/cpu/parallel.hpp"
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
        each_stretch(piece, [=](Index at, Index length) {
            const T* gradients = piece.gradient + at;
            T* velocities = piece.state[0] + at;
            T* weights = piece.weights + at;
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
        each_stretch(piece, [=](Index at, Index length) {
            const T* gradients = piece.gradient + at;
            T* means = piece.state[0] + at;
            T* squares = piece.state[1] + at;
            T* weights = piece.weights + at;
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

    /// Short enough that what one loop leaves the next finds in the nearest cache: f, and then the
    /// gradient is cleared and the working copy made.
    template <class Piece, class F>
    static void each_stretch(const Piece& piece, const F& f) {
        constexpr Index stretch = 1024;
        const Index n = piece.count;
        parallel_for(n, threads_for(n, max_threads()), [&](Index begin, Index end, int) {
            for (Index at = begin; at < end; at += stretch) {
                const Index length = std::min(stretch, end - at);
                f(at, length);
                std::fill_n(piece.gradient + at, length, 0);
                if (piece.working) narrow_run(length, piece.weights + at, piece.working + at);
            }
        });
    }
};

}  // namespace tessera::cpu
