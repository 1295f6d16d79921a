// SPDX-License-Identifier: MIT
// Optimisers: how a gradient moves the weights. Each keeps its state in arenas laid out as the
// gradients are, says how to advance one parameter array, and what a checkpoint calls it.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "tessera/backend/geometry.hpp"
#include "tessera/core/buffer.hpp"

namespace tessera {

/// Factors on the rate and the decay of some parameters.
struct Multipliers {
    double rate = 1;
    double decay = 1;
};

/// Stochastic gradient descent with momentum; the forms are in backend/geometry.hpp. The defaults
/// are Krizhevsky's: v = 0.9 v - rate * (0.0005 w + g), w += v.
struct Sgd {
    double rate = 0.01;
    double momentum = 0.9;
    double decay = 0.0005;
    Momentum form = Momentum::krizhevsky;

    /// What a checkpoint says it is of: the velocity of one form would mislead another.
    constexpr std::string_view kind() const {
        constexpr std::array<std::string_view, 3> kinds{"sgd krizhevsky", "sgd classic",
                                                        "sgd nesterov"};
        return kinds[static_cast<std::size_t>(form)];
    }
    static constexpr std::array<std::string_view, 1> state_names{"velocity"};

    /// Advances `count` weights by gradient * scale; state[0] is their velocity. Their working
    /// copy, if they have one, comes last.
    template <class Backend, class T, class... Working>
    void advance(Index count, const Multipliers& factors, long, const T* gradient,
                 const std::array<T*, 1>& state, T* weights, double scale = 1,
                 Working*... working) const {
        const SgdStep step{.form = form,
                           .rate = rate * factors.rate,
                           .momentum = momentum,
                           .decay = decay * factors.decay,
                           .gradient_scale = scale};
        Backend::Update::sgd(count, step, gradient, state[0], weights, working...);
    }
};

/// Adam with decoupled decay (Loshchilov and Hutter, ICLR 2019).
struct AdamW {
    double rate = 0.001;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double decay = 0.01;

    static constexpr std::string_view kind() { return "adamw"; }
    static constexpr std::array<std::string_view, 2> state_names{"mean", "square"};

    template <class Backend, class T, class... Working>
    void advance(Index count, const Multipliers& factors, long step, const T* gradient,
                 const std::array<T*, 2>& state, T* weights, double scale = 1,
                 Working*... working) const {
        const AdamWStep update{.rate = rate * factors.rate,
                               .beta1 = beta1,
                               .beta2 = beta2,
                               .epsilon = epsilon,
                               .decay = decay * factors.decay,
                               .gradient_scale = scale,
                               .step = step};
        Backend::Update::adamw(count, update, gradient, state[0], state[1], weights, working...);
    }
};

}  // namespace tessera
