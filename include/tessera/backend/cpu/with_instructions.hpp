// SPDX-License-Identifier: MIT
// Loops compiled once for each set of instructions: a loop that compilers vectorise has, without
// -march, only the vectors of 16 bytes that every machine of its kind has.
//
// Everything such a loop calls is inlined into a function that has the instructions as its target
// (`flatten`): lambdas do not inherit a target, nor do the functions that OpenMP makes of a
// parallel region, so that the choice is made inside of it. clang's `flatten` inlines what f calls
// and no deeper: helpers and lambdas that hold a loop are `always_inline` for it.
//
// What programs without -march lose to those with it, bench/run.sh measures: at batch 32, on two
// cores of Zen 5, nothing in AlexNet's forward pass, and 8 per cent of a training step.
#pragma once

#include <type_traits>

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/core/instructions.hpp"

namespace tessera::cpu {

namespace detail {

/// f(width, arguments...) where f takes the width of a vector, else f(arguments...).
template <int Bytes, class F, class... Arguments>
inline constexpr bool takes_width =
    std::is_invocable_v<const F&, std::integral_constant<int, Bytes>, Arguments...>;

#if defined(__x86_64__) && defined(__GNUC__)
template <class F, class... Arguments>
[[gnu::target("avx512f"), gnu::flatten]] void call_with_avx512(const F& f, Arguments... arguments) {
    if constexpr (takes_width<64, F, Arguments...>) {
        f(std::integral_constant<int, 64>(), arguments...);
    } else {
        f(arguments...);
    }
}

template <class F, class... Arguments>
[[gnu::target("avx2,fma"), gnu::flatten]] void call_with_avx2(const F& f, Arguments... arguments) {
    if constexpr (takes_width<32, F, Arguments...>) {
        f(std::integral_constant<int, 32>(), arguments...);
    } else {
        f(arguments...);
    }
}
#endif

}  // namespace detail

/// Calls f(arguments...), compiled with the instructions of this processor, or f(bytes,
/// arguments...) if it takes the width of their vectors, a constant of the type.
template <class F, class... Arguments>
void with_instructions(const F& f, Arguments... arguments) {
#if defined(__x86_64__) && defined(__GNUC__)
    if (instructions() >= Instructions::avx512) return detail::call_with_avx512(f, arguments...);
    if (instructions() >= Instructions::avx2) return detail::call_with_avx2(f, arguments...);
#endif
    if constexpr (detail::takes_width<16, F, Arguments...>) {
        f(std::integral_constant<int, 16>(), arguments...);
    } else {
        f(arguments...);
    }
}

/// parallel_for with f(begin, end), or f(bytes, begin, end), compiled with the instructions of this
/// processor.
template <class F>
void parallel_vectors(Index count, int threads, const F& f) {
    parallel_for(count, threads, [&](Index begin, Index end, int) {  //
        with_instructions(f, begin, end);
    });
}

}  // namespace tessera::cpu
