// SPDX-License-Identifier: MIT
#include "tessera/backend/cuda/divisor.cuh"

#include <doctest/doctest.h>

#include <limits>

#include "oracle.hpp"

TEST_CASE("division by a multiplication gives the quotient") {
    using namespace tessera;
    constexpr int most = std::numeric_limits<int>::max();
    Random random({.seed = 1});
    bool right = true;
    const auto check = [&](int n, int d) {
        const cuda::Divisor divisor(d);
        const int quotient = divisor.quotient(n);
        right = right && quotient == n / d && divisor.remainder(n, quotient) == n % d;
    };
    for (int d = 1; d < 2000; ++d) {
        for (int n : {0, 1, d - 1, d, most, most - 1, most / d * d, most / d * d - 1}) check(n, d);
    }
    for (int round = 0; round < 100000; ++round) {
        const int d = 1 + static_cast<int>(random.below(most) >> random.below(31));
        const int n = static_cast<int>(random.below(most)), multiple = n / d * d;
        for (int near : {n, multiple, multiple > 0 ? multiple - 1 : 0}) check(near, d);
    }
    for (int d : {most, most - 1, 1 << 30, (1 << 30) + 1, (1 << 30) - 1}) {
        for (int n : {0, d - 1, d, most}) check(n, d);
    }
    CHECK(right);
}
