// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <vector>

#include "tessera/backend/cpu/exponentials.hpp"
#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/lanes.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/parallel_vectors.hpp"
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

TEST_CASE("the inverse fourth root is right to the precision of its type") {
    const auto root = []<class T>(T x) {
        using V = cpu::Vectors<sizeof(T), T>;
        typename V::Lanes lane{x}, found;
        cpu::inverse_fourth_root<V>(lane, found);
        return found[0];
    };
    for (double x = 1e-30; x < 1e38; x *= 1.7) {
        CHECK(root(x) == doctest::Approx(std::pow(x, -0.25)).epsilon(1e-15));
        const float single = static_cast<float>(x);
        CHECK(root(single) == doctest::Approx(std::pow(double{single}, -0.25)).epsilon(3e-7));
    }
    CHECK(0.0f * root(0.0f) == 0.0f);
}

TEST_CASE("an exponential is right to the precision of float, and 0 where that ends") {
    for (float x = -87; x < 88; x += 0.0137f) {
        CHECK(cpu::exponential(x) == doctest::Approx(std::exp(double{x})).epsilon(3e-7));
    }
    CHECK(cpu::exponential(-88.0f) == 0);
    CHECK(cpu::exponential(0.0f) == 1);
}

TEST_CASE("what runs with the instructions of the processor gets its arguments and may throw") {
    int sum = 0;
    with_instructions([&](int a, int b) { sum = a + b; }, 3, 4);
    CHECK(sum == 7);
    CHECK_THROWS_WITH_AS(with_instructions([] { fail("inside"); }), "inside", Error);
}

TEST_CASE("what asks for the bytes of the processor's vectors gets them before its arguments") {
    const int expected = instructions() >= Instructions::avx512 ? 64
                         : instructions() >= Instructions::avx2 ? 32
                                                                : 16;
    int sum = 0;
    with_instructions([&](auto bytes, int a) { sum = bytes + a; }, 3);
    CHECK(sum == expected + 3);
    std::vector<int> parts(40000);
    cpu::parallel_vectors(40000, 2, [&](auto bytes, Index begin, Index end) {
        for (Index i = begin; i < end; ++i) parts[static_cast<std::size_t>(i)] = bytes;
    });
    CHECK(parts == std::vector<int>(40000, expected));
}
