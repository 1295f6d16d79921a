// SPDX-License-Identifier: MIT
// The test runner, which nvcc need not see.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
