// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <vector>

#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/core/error.hpp"

using namespace tessera;

TEST_CASE("a parallel loop visits every index once, whatever the number of threads") {
    for (const Index count : {0, 1, 2, 3, 7, 100}) {
        for (const int threads : {1, 2, 3, 4, 8}) {
            std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
            cpu::parallel_for(count, threads, [&](Index begin, Index end, int thread) {
                CHECK(begin < end);
                CHECK(thread < threads);
                for (Index i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
            });
            for (const auto& visit : visits) CHECK(visit == 1);
        }
    }
}

TEST_CASE("an exception of a thread reaches the caller") {
    for (const int threads : {1, 4}) {
        CHECK_THROWS_WITH_AS(
            cpu::parallel_for(4, threads, [](Index begin, Index, int) { fail("part ", begin); }),
            "part 0", Error);
    }
}

TEST_CASE("short and long runs are copied and added to the last element and no further") {
    for (Index count = 0; count < 70; ++count) {
        std::vector<float> from(static_cast<std::size_t>(count)), to(from.size() + 1, -1);
        for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i);
        cpu::copy_run(from.data(), to.data(), count);
        cpu::add_run(from.data(), to.data(), count);
        for (std::size_t i = 0; i < from.size(); ++i) CHECK(to[i] == 2 * from[i]);
        CHECK(to.back() == -1);
    }
}

TEST_CASE("the inverse root is right to the precision of its type") {
    for (double x = 1e-30; x < 1e30; x *= 1.7) {
        CHECK(cpu::inverse_root(x) == doctest::Approx(1 / std::sqrt(x)).epsilon(1e-15));
        const float single = static_cast<float>(x);
        CHECK(cpu::inverse_root(single) == doctest::Approx(1 / std::sqrt(x)).epsilon(3e-7));
    }
    CHECK(0.0f * cpu::inverse_root(0.0f) == 0.0f);
}
