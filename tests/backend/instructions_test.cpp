// SPDX-License-Identifier: MIT
#include "tessera/backend/cpu/instructions.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

using namespace tessera;

TEST_CASE("the environment may ask for fewer instructions than there are, and for no others") {
    const char* before = std::getenv("TESSERA_INSTRUCTIONS");
    const std::string kept = before ? before : "";
    ::setenv("TESSERA_INSTRUCTIONS", "plain", 1);
    CHECK(cpu::detail::choose_instructions() == cpu::Instructions::plain);
    ::setenv("TESSERA_INSTRUCTIONS", "neon", 1);
    CHECK_THROWS_WITH_AS(cpu::detail::choose_instructions(),
                         "TESSERA_INSTRUCTIONS: found 'neon', expected plain, avx2, avx512 or "
                         "avx512bf16",
                         Error);
    ::unsetenv("TESSERA_INSTRUCTIONS");
    CHECK(cpu::detail::choose_instructions() == cpu::detail::best_instructions());
    if (before) ::setenv("TESSERA_INSTRUCTIONS", kept.c_str(), 1);
}

TEST_CASE("a process keeps the instructions it began with, whatever the environment says later") {
    const cpu::Instructions first = cpu::instructions();
    CHECK(first <= cpu::detail::best_instructions());
    const char* before = std::getenv("TESSERA_INSTRUCTIONS");
    const std::string kept = before ? before : "";
    ::setenv("TESSERA_INSTRUCTIONS", first == cpu::Instructions::plain ? "avx2" : "plain", 1);
    CHECK(cpu::instructions() == first);
    ::unsetenv("TESSERA_INSTRUCTIONS");
    if (before) ::setenv("TESSERA_INSTRUCTIONS", kept.c_str(), 1);
}
