// SPDX-License-Identifier: MIT
// Instructions: what the processor can do, asked once per process, so that a program compiled for
// any x86-64 uses all of the machine it runs on.
#pragma once

#include <cstdlib>
#include <string_view>

#include "tessera/core/error.hpp"

namespace tessera {

/// From the least to the most.
enum class Instructions { plain, avx2, avx512, avx512bf16 };

namespace detail {

inline Instructions best_instructions() {
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx512f")) {
        return __builtin_cpu_supports("avx512bf16") ? Instructions::avx512bf16
                                                    : Instructions::avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Instructions::avx2;
#endif
    return Instructions::plain;
}

/// The best there are, or those the environment variable TESSERA_INSTRUCTIONS names.
inline Instructions choose_instructions() {
    const Instructions best = best_instructions();
    const char* asked = std::getenv("TESSERA_INSTRUCTIONS");
    if (!asked) return best;
    constexpr std::string_view names[] = {"plain", "avx2", "avx512", "avx512bf16"};
    for (int i = 0; i < 4; ++i) {
        if (names[i] != asked) continue;
        require(i <= static_cast<int>(best), "TESSERA_INSTRUCTIONS: found ", asked,
                ", but this processor has no more than ", names[static_cast<int>(best)]);
        return static_cast<Instructions>(i);
    }
    fail("TESSERA_INSTRUCTIONS: found '", asked, "', expected plain, avx2, avx512 or avx512bf16");
}

}  // namespace detail

/// What the ops of this process use: the same from the first call to the last. Throws Error when
/// TESSERA_INSTRUCTIONS asks for what is unknown or not there.
inline Instructions instructions() {
    static const Instructions chosen = detail::choose_instructions();
    return chosen;
}

}  // namespace tessera
