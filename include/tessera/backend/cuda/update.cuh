// SPDX-License-Identifier: MIT
// One step of each optimiser for all arrays of a network in one launch, as the formulas of
// backend/geometry.hpp, in the type of the weights. Reads gradient, state and weight once and
// writes them once, the gradient as zero for the next batch: 24 bytes a weight for momentum, 32 for
// AdamW, and 2 more where a copy of the weights in bfloat16 is kept.
//
// The arrays travel as arguments of the kernel, which the device reads through a cache of its own;
// a block has 1024 numbers of one of them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "tessera/backend/cuda/wide.cuh"
#include "tessera/backend/geometry.hpp"

namespace tessera::cuda {

/// v and w of momentum, whose rate and decay are the array's.
template <class T>
struct SgdRule {
    static constexpr int states = 1;
    Momentum form;
    T momentum, gradient_scale;

    __device__ void operator()(T rate, T decay, T g, T (&state)[1], T& w) const {
        T& v = state[0];
        const T gradient = gradient_scale * g + decay * w;
        if (form == Momentum::krizhevsky) {
            v = momentum * v - rate * gradient;
            w += v;
        } else {
            v = momentum * v + gradient;
            w -= rate * (form == Momentum::nesterov ? gradient + momentum * v : v);
        }
    }
};

/// With m and v after the step,  w = keep * w - rate * m / (root_factor * sqrt(v) + epsilon).
template <class T>
struct AdamWRule {
    static constexpr int states = 2;
    T gradient_scale, beta1, rest1, beta2, rest2;  ///< rest1 = 1 - beta1, rest2 = 1 - beta2
    T root_factor, epsilon;

    __device__ void operator()(T rate, T keep, T g, T (&state)[2], T& w) const {
        T &m = state[0], &v = state[1];
        const T gradient = gradient_scale * g;
        m = beta1 * m + rest1 * gradient;
        v = beta2 * v + rest2 * gradient * gradient;
        w = keep * w - rate * m / (root_factor * std::sqrt(v) + epsilon);
    }
};

/// What a block knows of its array.
template <class T, int States>
struct UpdateArray {
    Index count;
    T* g;
    T* state[States];
    T* w;
    Bf16* working;
    T rate, decay;  ///< the first two arguments of the rule
    unsigned end;   ///< the first block behind its own
    bool in_packs;
};

template <class T, class Rule>
struct UpdateArrays {
    /// So many arguments fit in the 4 kB that every GPU takes.
    static constexpr int most = 32;
    Rule rule;
    UpdateArray<T, Rule::states> arrays[most];

    __device__ void operator()() const {
        int own = 0;
        unsigned first = 0;
        while (blockIdx.x >= arrays[own].end) first = arrays[own++].end;
        const auto& array = arrays[own];
        const Index i = (Index{blockIdx.x - first} * blockDim.x + threadIdx.x) * 4;
        const Index count = array.count - i;
        if (count <= 0) return;
        const bool in_packs = array.in_packs;
        const auto gradients = detail::load_four(array.g + i, count, in_packs);
        auto weights = detail::load_four(array.w + i, count, in_packs);
        Pack<T, 4> states[Rule::states];
        for (int s = 0; s < Rule::states; ++s) {
            states[s] = detail::load_four(array.state[s] + i, count, in_packs);
        }
        for (int k = 0; k < 4; ++k) {
            T state[Rule::states];
            for (int s = 0; s < Rule::states; ++s) state[s] = states[s][k];
            rule(array.rate, array.decay, gradients[k], state, weights[k]);
            for (int s = 0; s < Rule::states; ++s) states[s][k] = state[s];
        }
        for (int s = 0; s < Rule::states; ++s) {
            detail::store_four(array.state[s] + i, states[s], count, in_packs);
        }
        detail::store_four(array.w + i, weights, count, in_packs);
        detail::store_four(array.g + i, Pack<T, 4>{}, count, in_packs);
        if (array.working) {
            detail::store_four(array.working + i, narrowed<Bf16>(weights), count, in_packs);
        }
    }
};

/// UpdateOp of backend/concept.hpp. The working copy in bfloat16 is what the products of the next
/// step read; what is learnt stays in T, where small steps add up.
struct Update {
    template <class T>
    static void sgd(std::span<const UpdatePiece<T, 1>> pieces, const SgdStep& step) {
        const SgdRule<T> rule{step.form, static_cast<T>(step.momentum),
                              static_cast<T>(step.gradient_scale)};
        advance("sgd", rule, pieces, [&](const auto& piece) {
            return std::array{static_cast<T>(step.rate * piece.rate),
                              static_cast<T>(step.decay * piece.decay)};
        });
    }

    template <class T>
    static void adamw(std::span<const UpdatePiece<T, 2>> pieces, const AdamWStep& step) {
        const double count = static_cast<double>(step.step);
        const double root_factor = 1 / std::sqrt(1 - std::pow(step.beta2, count));
        const AdamWRule<T> rule{static_cast<T>(step.gradient_scale), static_cast<T>(step.beta1),
                                static_cast<T>(1 - step.beta1),      static_cast<T>(step.beta2),
                                static_cast<T>(1 - step.beta2),      static_cast<T>(root_factor),
                                static_cast<T>(step.epsilon)};
        advance("adamw", rule, pieces, [&](const auto& piece) {
            const double rate = step.rate * piece.rate, decay = step.decay * piece.decay;
            return std::array{static_cast<T>(rate / (1 - std::pow(step.beta1, count))),
                              static_cast<T>(1 - rate * decay)};
        });
    }

private:
    /// factors(piece) is what the rule is told of an array.
    template <class T, class Rule, std::size_t States, class Factors>
    static void advance(const char* name, const Rule& rule,
                        std::span<const UpdatePiece<T, States>> pieces, const Factors& factors) {
        using Kernel = UpdateArrays<T, Rule>;
        static_assert(sizeof(Kernel) <= 4096);
        while (!pieces.empty()) {
            Kernel kernel{rule, {}};
            const std::size_t taken = std::min<std::size_t>(pieces.size(), Kernel::most);
            unsigned blocks = 0;
            for (std::size_t p = 0; p < taken; ++p) {
                const auto& piece = pieces[p];
                auto& array = kernel.arrays[p];
                const auto [rate, decay] = factors(piece);
                blocks += blocks_for((piece.count + 3) / 4);
                array = {piece.count,
                         piece.gradient,
                         {},
                         piece.weights,
                         piece.working,
                         rate,
                         decay,
                         blocks,
                         detail::can_pack<T>(pack_width<T>, piece.gradient, piece.weights,
                                             piece.working)};
                for (std::size_t s = 0; s < States; ++s) {
                    array.state[s] = piece.state[s];
                    array.in_packs &= detail::can_pack<T>(pack_width<T>, piece.state[s]);
                }
            }
            launch(name, blocks, default_threads, kernel);
            pieces = pieces.subspan(taken);
        }
    }
};

}  // namespace tessera::cuda
