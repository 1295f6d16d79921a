// SPDX-License-Identifier: MIT
// What products read for numbers of type T: the numbers themselves, or, in bfloat16, pairs of them
// that follow one another along the depth, as instructions multiply and add up two at once.
#pragma once

#include <type_traits>

#include "tessera/core/bfloat16.hpp"
#include "tessera/core/shape.hpp"

namespace tessera::cpu {

struct Pair {
    Bf16 first;
    Bf16 second;
};

static_assert(sizeof(Pair) == 4 && alignof(Pair) == alignof(Bf16));

/// What a tile reads at a step of the depth.
template <class T>
using Factor = std::conditional_t<std::is_same_v<T, Bf16>, Pair, T>;

/// The type of the sums of products of factors F.
template <class F>
using Sum = std::conditional_t<std::is_same_v<F, Pair>, float, F>;

/// Numbers in a factor.
template <class T>
inline constexpr Index factor_length = sizeof(Factor<T>) / sizeof(T);

/// Factors that `count` numbers make; the last one may lack its second, which is then zero.
template <class T>
constexpr Index factors(Index count) {
    return (count + factor_length<T> - 1) / factor_length<T>;
}

/// Numbers where they lie, as factors.
template <class T>
const Factor<T>* as_factors(const T* numbers) {
    return reinterpret_cast<const Factor<T>*>(numbers);
}

}  // namespace tessera::cpu
