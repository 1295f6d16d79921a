// SPDX-License-Identifier: MIT
#include "train/narrow.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("a network of Bf16 trains on Cpu as one of float does") { check_narrow_training<Cpu>(); }
