// SPDX-License-Identifier: MIT
// Which layers of a network a backend does together with the one before or behind them.
#pragma once

#include <array>
#include <type_traits>

#include "tessera/layer/named.hpp"
#include "tessera/layer/pair.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/seq.hpp"

namespace tessera {

template <class Layers, class Backend>
struct Neighbours {
    static constexpr int depth = Layers::depth;
    template <int I>
    using Layer = LayerAt<I, Layers>;
    template <int I>
    using Pair = LayerPair<Bare<Layer<I>>, Bare<Layer<I + 1>>>;

    template <int I>
    static constexpr bool is_relu() {
        if constexpr (I >= 0 && I < depth) return std::is_same_v<Bare<Layer<I>>, ReLU>;
        return false;
    }
    /// Whether layer I can do the ReLU behind it. What is no layer is refused elsewhere, in better
    /// words.
    template <int I>
    static constexpr bool takes_relu_behind() {
        if constexpr (is_relu<I + 1>() && IsLayer<Layer<I>>) {
            return Layer<I>::template takes_relu<Backend>;
        }
        return false;
    }
    /// Whether layer I can take the gradient of the ReLU before it.
    template <int I>
    static constexpr bool takes_relu_before() {
        if constexpr (is_relu<I - 1>() && IsLayer<Layer<I>>) {
            return Layer<I>::template takes_relu_gradient<Backend>;
        }
        return false;
    }

    /// The layers that are one op with the next one: not where what is between them is Tapped.
    static constexpr std::array<bool, depth> paired = [] {
        std::array<bool, depth> found{};
        [[maybe_unused]] bool before = false;
        if constexpr (has_pairs<Backend>) {
            for_each_position<depth - 1>([&](auto i) {
                if constexpr (IsLayer<Layer<i>>) {
                    before = !before && Pair<i>::template is_one_op<Backend> && !Layer<i>::tapped;
                    found[i] = before;
                }
            });
        }
        return found;
    }();
    template <int I>
    static constexpr bool is_paired() {
        if constexpr (I >= 0) return paired[I];
        return false;
    }
};

}  // namespace tessera
