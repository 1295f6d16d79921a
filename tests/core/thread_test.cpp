// SPDX-License-Identifier: MIT
// Threads run, wait for each other, and are waited for.
#include "tessera/core/thread.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace tessera;

TEST_CASE("a thread runs what it is given, and its end is waited for") {
    Mutex mutex;
    int count = 0;
    {
        std::vector<Thread> threads;
        for (int t = 0; t < 8; ++t) {
            threads.emplace_back([&mutex, &count, owned = std::make_unique<int>(t)] {
                for (int i = 0; i < 1000; ++i) {
                    const Lock lock(mutex);
                    count += *owned >= 0;
                }
            });
        }
    }
    CHECK(count == 8000);
}

TEST_CASE("threads take turns by a condition") {
    Mutex mutex;
    Condition changed;
    std::vector<int> order;
    auto take_turns = [&](int own) {
        for (int i = 0; i < 100; ++i) {
            const Lock lock(mutex);
            changed.wait(mutex, [&] { return static_cast<int>(order.size()) % 2 == own; });
            order.push_back(own);
            changed.notify_all();
        }
    };
    {
        const Thread odd([&] { take_turns(1); });
        take_turns(0);
    }
    REQUIRE(order.size() == 200);
    for (std::size_t i = 0; i < order.size(); ++i) CHECK(order[i] == static_cast<int>(i % 2));
}
