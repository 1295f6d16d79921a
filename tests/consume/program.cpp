// SPDX-License-Identifier: MIT
// What a user of the library writes; built in three ways by consume.py.
#if __has_include("tessera.hpp")
#include "tessera.hpp"
#else
#include <tessera/tessera.hpp>
#endif

#include <cstdio>

int main() {
    std::printf("tessera %s\n", tessera::version);
}
