// SPDX-License-Identifier: MIT
// The test runner's main, compiled once. It leaves with 77, "skipped", when TESSERA_INSTRUCTIONS
// asks for instructions this processor has not.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "tessera/core/instructions.hpp"

int main(int argc, char** argv) {
    try {
        tessera::instructions();
    } catch (const tessera::Error& error) {
        std::printf("skipped: %s\n", error.what());
        return 77;
    }
    return doctest::Context(argc, argv).run();
}
