// SPDX-License-Identifier: MIT
// Optimisers: how a gradient moves the weights. Each keeps its state in arenas laid out as the
// gradients are, says how to advance the parameter arrays, and what a checkpoint calls it.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "tessera/backend/geometry.hpp"

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

    /// Advances all pieces by gradient * scale and clears the gradients; their state is the
    /// velocity. `step` counts the calls from 1.
    template <class Backend, class T>
    void advance(std::span<const UpdatePiece<T, 1>> pieces, [[maybe_unused]] long step,
                 double scale = 1) const {
        const SgdStep update{.form = form,
                             .rate = rate,
                             .momentum = momentum,
                             .decay = decay,
                             .gradient_scale = scale};
        Backend::Update::sgd(pieces, update);
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

    template <class Backend, class T>
    void advance(std::span<const UpdatePiece<T, 2>> pieces, long step, double scale = 1) const {
        const AdamWStep update{.rate = rate,
                               .beta1 = beta1,
                               .beta2 = beta2,
                               .epsilon = epsilon,
                               .decay = decay,
                               .gradient_scale = scale,
                               .step = step};
        Backend::Update::adamw(pieces, update);
    }
};

}  // namespace tessera
