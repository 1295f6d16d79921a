// SPDX-License-Identifier: MIT
// Seq: a network is a list of layers, and nothing else.
#pragma once

#include <type_traits>

#include "tessera/core/pack.hpp"
#include "tessera/layer/named.hpp"

namespace tessera {

/// The list. A Seq inside a Seq flattens, so blocks can be named and reused.
template <class... Layers>
struct Seq {
    static constexpr int depth = sizeof...(Layers);
};

namespace detail {
template <class T>
inline constexpr bool is_seq = false;
template <class... Layers>
inline constexpr bool is_seq<Seq<Layers...>> = true;

template <class... Left, class... Right>
Seq<Left..., Right...> operator+(Seq<Left...>, Seq<Right...>);

template <class T>
struct Flattened {
    using type = Seq<T>;
};
template <class... Layers>
struct Flattened<Seq<Layers...>> {
    static auto flatten() {
        if constexpr ((is_seq<Layers> || ...)) {
            return (Seq<>{} + ... + typename Flattened<Layers>::type{});
        } else {
            return Seq<Layers...>{};
        }
    }
    using type = decltype(flatten());
};
}  // namespace detail

/// The same network without Seqs inside; a single layer becomes a Seq of one.
template <class Net>
using Flat = typename detail::Flattened<Net>::type;

namespace detail {
template <int Position, class Net>
struct LayerAtPosition;
template <int Position, class... Layers>
struct LayerAtPosition<Position, Seq<Layers...>> {
    using type = At<Position, Layers...>;
};
}  // namespace detail

/// The layer at a position of a flat network.
template <int Position, class Net>
using LayerAt = typename detail::LayerAtPosition<Position, Net>::type;

}  // namespace tessera
