// SPDX-License-Identifier: MIT
// One step of each optimiser, as the formulas of backend/geometry.hpp.
#pragma once

#include <cmath>
#include <span>
#include <type_traits>

#include "tessera/backend/geometry.hpp"

namespace tessera::reference {

/// UpdateOp of backend/concept.hpp.
struct Update {
    template <class T>
    static void sgd(std::span<const UpdatePiece<T, 1>> pieces, const SgdStep& step) {
        using Wide = std::common_type_t<T, double>;
        for (const auto& piece : pieces) {
            const auto [v] = piece.state;
            const double rate = step.rate * piece.rate, decay = step.decay * piece.decay;
            for (Index i = 0; i < piece.count; ++i) {
                T& w = piece.weights[i];
                const Wide gradient = step.gradient_scale * piece.gradient[i] + decay * w;
                if (step.form == Momentum::krizhevsky) {
                    const Wide velocity = step.momentum * v[i] - rate * gradient;
                    v[i] = static_cast<T>(velocity);
                    w = static_cast<T>(w + velocity);
                } else {
                    const Wide velocity = step.momentum * v[i] + gradient;
                    const bool ahead = step.form == Momentum::nesterov;
                    v[i] = static_cast<T>(velocity);
                    w = static_cast<T>(
                        w - rate * (ahead ? gradient + step.momentum * velocity : velocity));
                }
            }
            finish(piece);
        }
    }

    template <class T>
    static void adamw(std::span<const UpdatePiece<T, 2>> pieces, const AdamWStep& step) {
        using Wide = std::common_type_t<T, double>;
        const double count = static_cast<double>(step.step);
        for (const auto& piece : pieces) {
            const auto [m, v] = piece.state;
            const double rate = step.rate * piece.rate, decay = step.decay * piece.decay;
            for (Index i = 0; i < piece.count; ++i) {
                T& w = piece.weights[i];
                const Wide gradient = step.gradient_scale * piece.gradient[i];
                const Wide mean = step.beta1 * m[i] + (1 - step.beta1) * gradient;
                const Wide square = step.beta2 * v[i] + (1 - step.beta2) * gradient * gradient;
                const Wide unbiased_mean = mean / (1 - std::pow(step.beta1, count));
                const Wide unbiased_square = square / (1 - std::pow(step.beta2, count));
                m[i] = static_cast<T>(mean);
                v[i] = static_cast<T>(square);
                w = static_cast<T>(w * (1 - rate * decay) -
                                   rate * unbiased_mean /
                                       (std::sqrt(unbiased_square) + step.epsilon));
            }
            finish(piece);
        }
    }

private:
    template <class Piece>
    static void finish(const Piece& piece) {
        for (Index i = 0; i < piece.count; ++i) {
            piece.gradient[i] = 0;
            if (piece.working) piece.working[i] = Bf16(static_cast<float>(piece.weights[i]));
        }
    }
};

}  // namespace tessera::reference
