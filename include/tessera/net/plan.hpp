// SPDX-License-Identifier: MIT
// The plan: where every activation, gradient and saved state lives in one arena, and for how long.
//
// Time is counted in ticks. With n layers the forward pass of layer i is tick i, the loss tick n,
// the backward pass of layer i tick 2n - i. A block is alive from the tick that writes it to the
// last tick that reads it, and two blocks alive at the same tick do not overlap. A pair of layers
// that is one op runs at the tick of the second; what would be between them is written only by a
// forward pass that ends there.
#pragma once

#include <algorithm>
#include <array>

#include "tessera/core/buffer.hpp"
#include "tessera/net/description.hpp"

namespace tessera {

struct PlanOptions {
    Mode mode = Mode::inference;
    Index scalar_bytes = sizeof(float);
    bool input_gradient = false;  ///< also the gradient of the network's input
};

inline constexpr Index absent = -1;

/// Offsets in bytes per sample; a block of a batch begins at offset * batch. `absent` where there
/// is none: the input (it is the caller's), everything a frozen trunk does without.
template <int Depth>
struct Plan {
    std::array<Index, Depth + 1>
        activations{};  ///< [i] is the input of layer i, [Depth] the output
    std::array<Index, Depth + 1> gradients{};
    std::array<Index, Depth> saved{};
    int trunk = 0;  ///< layers before it run as in inference: no state, no gradient, no dropout
    Index bytes_per_sample = 0;

    constexpr Index arena_bytes(int batch) const { return bytes_per_sample * batch; }
};

namespace detail {

/// Memory that is wanted from tick `first` to tick `last`.
struct Block {
    Index bytes = 0;
    int first = 0;
    int last = 0;
    Index offset = 0;
};

/// First fit, the largest first. Returns the arena's size.
template <std::size_t Capacity>
constexpr Index pack_blocks(std::array<Block, Capacity>& blocks, std::size_t count) {
    // By insertion: what follows takes the square of `count` too, and std::sort would have to be
    // compiled for every network.
    std::array<std::size_t, Capacity> order{};
    for (std::size_t n = 0; n < count; ++n) {
        std::size_t p = n;
        for (; p > 0 && blocks[n].bytes > blocks[order[p - 1]].bytes; --p) order[p] = order[p - 1];
        order[p] = n;
    }
    std::array<std::size_t, Capacity> placed{};  // by offset
    Index size = 0;
    for (std::size_t n = 0; n < count; ++n) {
        Block& block = blocks[order[n]];
        for (std::size_t p = 0; p < n; ++p) {
            const Block& other = blocks[placed[p]];
            if (other.last < block.first || block.last < other.first) continue;
            if (block.offset + block.bytes <= other.offset) break;
            block.offset = std::max(block.offset, other.offset + other.bytes);
        }
        size = std::max(size, block.offset + block.bytes);
        std::size_t p = n;
        for (; p > 0 && blocks[placed[p - 1]].offset > block.offset; --p) placed[p] = placed[p - 1];
        placed[p] = order[n];
    }
    return size;
}

}  // namespace detail

/// The first layer that takes part in the backward pass; Depth when nothing learns.
template <std::size_t Depth>
constexpr int trunk_depth(const std::array<LayerInfo, Depth>& layers, bool input_gradient) {
    if (input_gradient) return 0;
    for (std::size_t i = 0; i < Depth; ++i) {
        if (layers[i].parameters.count > 0 && !layers[i].frozen) return static_cast<int>(i);
    }
    return static_cast<int>(Depth);
}

/// Plans the arena of a network. requires known shapes.
template <std::size_t Depth>
constexpr Plan<static_cast<int>(Depth)> make_plan(const std::array<LayerInfo, Depth>& layers,
                                                  const PlanOptions& options) {
    constexpr int n = static_cast<int>(Depth);
    const bool training = options.mode == Mode::training;
    Plan<n> plan;
    plan.trunk = training ? trunk_depth(layers, options.input_gradient) : n;

    std::array<detail::Block, 3 * Depth + 2> blocks{};
    std::size_t count = 0;
    auto backward_tick = [](int layer) { return 2 * n - layer; };
    auto layer_at = [&](int i) -> const LayerInfo& { return layers[static_cast<std::size_t>(i)]; };
    auto differentiable = [&](int i) { return i >= plan.trunk; };
    auto want = [&](Index bytes, int first, int last) {
        blocks[count] = {aligned(bytes), first, last, 0};
        return static_cast<Index>(count++);  // replaced by the offset below
    };

    plan.activations[0] = absent;
    for (int i = 0; i < n; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const LayerInfo& layer = layer_at(i);
        int last = i + (layer.paired ? 0 : i + 1 < n && layer_at(i + 1).paired ? 2 : 1);
        if (differentiable(i) && layer.needs_output && !layer.paired) last = backward_tick(i);
        if (i + 1 < n && differentiable(i + 1) && layer_at(i + 1).needs_input && !layer.paired) {
            last = std::max(last, backward_tick(i + 1));
        }
        if (layer.tapped || i + 1 == n) last = 2 * n + 1;
        const bool shares = layer.in_place && i > 0 && !layer_at(i - 1).tapped &&
                            !(differentiable(i - 1) && layer_at(i - 1).needs_output) &&
                            !(differentiable(i) && layer.needs_input);
        if (shares) {
            plan.activations[at + 1] = plan.activations[at];
            auto& block = blocks[static_cast<std::size_t>(plan.activations[at])];
            block.last = std::max(block.last, last);
        } else {
            plan.activations[at + 1] = want(layer.output.size() * options.scalar_bytes, i, last);
        }
        plan.saved[at] = differentiable(i) && layer.saved_bytes > 0 && !layer.paired
                             ? want(layer.saved_bytes, i, backward_tick(i))
                             : absent;
    }
    plan.gradients.fill(absent);
    if (training && plan.trunk < n) {
        const auto end = static_cast<std::size_t>(n);
        const auto first = plan.trunk + (options.input_gradient ? 0 : 1);
        plan.gradients[end] =
            want(layer_at(n - 1).output.size() * options.scalar_bytes, n, backward_tick(n - 1));
        for (int i = n - 1; i >= first; --i) {
            const auto at = static_cast<std::size_t>(i);
            if (i > 0 && layer_at(i - 1).paired) continue;
            const int written = backward_tick(layer_at(i).paired ? i + 1 : i);
            const int last = i == 0 ? 2 * n + 1 : backward_tick(i - 1);
            if (layer_at(i).in_place) {
                plan.gradients[at] = plan.gradients[at + 1];
                auto& block = blocks[static_cast<std::size_t>(plan.gradients[at])];
                block.last = std::max(block.last, last);
            } else {
                plan.gradients[at] =
                    want(layer_at(i).input.size() * options.scalar_bytes, written, last);
            }
        }
    }

    plan.bytes_per_sample = detail::pack_blocks(blocks, count);
    auto resolve = [&](auto& offsets) {
        for (Index& offset : offsets) {
            if (offset != absent) offset = blocks[static_cast<std::size_t>(offset)].offset;
        }
    };
    resolve(plan.activations);
    resolve(plan.gradients);
    resolve(plan.saved);
    return plan;
}

/// The plan of a network type: static_assert(plan<AlexNet>(Shape{3, 224, 224},
/// {.mode = Mode::training}).arena_bytes(128) < 1'000'000'000).
template <class Net>
constexpr auto plan(Shape input, const PlanOptions& options = {}) {
    return make_plan(describe<Net>(input, options.scalar_bytes), options);
}

}  // namespace tessera
