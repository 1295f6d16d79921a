// SPDX-License-Identifier: MIT
// Error: the one exception of the library.
#pragma once

#include <stdexcept>
#include <type_traits>

#include "tessera/core/text.hpp"

namespace tessera {

/// Thrown for everything that goes wrong at run time. Its text says which file or argument, what
/// was found and what was expected. The library never prints and never aborts.
struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn, gnu::cold]] inline void fail_with(const Word* words, std::size_t count) {
    throw Error(join(words, count));
}

/// Throws Error with the values joined into one sentence.
template <class... Values>
[[noreturn, gnu::cold]] void fail(const Values&... values) {
    const Word words[] = {values...};
    fail_with(words, sizeof...(values));
}

/// Throws unless `holds`. The values are turned into text only on failure.
template <class... Values>
void require(bool holds, const Values&... values) {
    // Literals as pointers: one fail() for those of all lengths.
    if (!holds) fail<std::decay_t<const Values>...>(values...);
}

}  // namespace tessera
