// SPDX-License-Identifier: MIT
// The only template tricks of the library: picking from a pack and looping over its positions.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace tessera {

namespace detail {
template <std::size_t Position, class T>
struct Indexed {
    using type = T;
};
template <class Positions, class... Ts>
struct IndexedPack;
template <std::size_t... Positions, class... Ts>
struct IndexedPack<std::index_sequence<Positions...>, Ts...> : Indexed<Positions, Ts>... {};

template <std::size_t Position, class T>
Indexed<Position, T> pick(const Indexed<Position, T>&);
}  // namespace detail

/// The type at a position of a pack, found by overload resolution instead of recursion.
template <int Position, class... Ts>
using At = typename decltype(detail::pick<static_cast<std::size_t>(Position)>(
    std::declval<detail::IndexedPack<std::index_sequence_for<Ts...>, Ts...>>()))::type;

/// A position as a type, so that a generic lambda can use it as a constant.
template <int Value>
using Position = std::integral_constant<int, Value>;

/// body(Position<0>{}), ..., body(Position<Count - 1>{}).
template <int Count, class Body>
constexpr void for_each_position(Body&& body) {
    [&]<int... Positions>(std::integer_sequence<int, Positions...>) {
        (body(Position<Positions>{}), ...);
    }
    (std::make_integer_sequence<int, Count>{});
}

}  // namespace tessera
