// SPDX-License-Identifier: MIT
// The cost of including everything and using nothing.
#include <tessera/tessera.hpp>

int main() {}
