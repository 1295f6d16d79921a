// SPDX-License-Identifier: MIT
#include "tessera/core/instructions.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

using namespace tessera;

TEST_CASE("the environment may ask for fewer instructions than there are, and for no others") {
    const char* before = std::getenv("TESSERA_INSTRUCTIONS");
    const std::string kept = before ? before : "";
    ::setenv("TESSERA_INSTRUCTIONS", "plain", 1);
    CHECK(detail::choose_instructions() == Instructions::plain);
    ::setenv("TESSERA_INSTRUCTIONS", "neon", 1);
    CHECK_THROWS_WITH_AS(detail::choose_instructions(),
                         "TESSERA_INSTRUCTIONS: found 'neon', expected plain, avx2, avx512 or "
                         "avx512bf16",
                         Error);
    ::unsetenv("TESSERA_INSTRUCTIONS");
    CHECK(detail::choose_instructions() == detail::best_instructions());
    if (before) ::setenv("TESSERA_INSTRUCTIONS", kept.c_str(), 1);
}

TEST_CASE("a process keeps the instructions it began with, whatever the environment says later") {
    const Instructions first = instructions();
    CHECK(first <= detail::best_instructions());
    const char* before = std::getenv("TESSERA_INSTRUCTIONS");
    const std::string kept = before ? before : "";
    ::setenv("TESSERA_INSTRUCTIONS", first == Instructions::plain ? "avx2" : "plain", 1);
    CHECK(instructions() == first);
    ::unsetenv("TESSERA_INSTRUCTIONS");
    if (before) ::setenv("TESSERA_INSTRUCTIONS", kept.c_str(), 1);
}
