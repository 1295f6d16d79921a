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
// cores of Zen 5, up to 2 per cent of AlexNet's forward pass and of a training step.
#pragma once

#include <type_traits>

#include "tessera/core/instructions.hpp"

namespace tessera {

namespace detail {

template <int Bytes, class F, class... Arguments>
[[gnu::always_inline, gnu::flatten]] inline void call_with_bytes(const F& f,
                                                                 Arguments... arguments) {
    if constexpr (std::is_invocable_v<const F&, Arguments...>) {
        f(arguments...);
    } else {
        f(std::integral_constant<int, Bytes>{}, arguments...);
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
template <class F, class... Arguments>
[[gnu::target("avx512f"), gnu::flatten]] void call_with_avx512(const F& f, Arguments... arguments) {
    call_with_bytes<64>(f, arguments...);
}

template <class F, class... Arguments>
[[gnu::target("avx2,fma"), gnu::flatten]] void call_with_avx2(const F& f, Arguments... arguments) {
    call_with_bytes<32>(f, arguments...);
}
#endif

}  // namespace detail

/// Calls f(arguments...), compiled with the instructions of this processor; or f(bytes,
/// arguments...), if f asks for one argument more, with the bytes of a vector as a constant of the
/// type.
template <class F, class... Arguments>
void with_instructions(const F& f, Arguments... arguments) {
#if defined(__x86_64__) && defined(__GNUC__)
    if (instructions() >= Instructions::avx512) return detail::call_with_avx512(f, arguments...);
    if (instructions() >= Instructions::avx2) return detail::call_with_avx2(f, arguments...);
#endif
    detail::call_with_bytes<16>(f, arguments...);
}

}  // namespace tessera
