// SPDX-License-Identifier: MIT
// The test runner's main, compiled once.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
