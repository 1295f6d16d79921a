// SPDX-License-Identifier: MIT
// What owners share lives as long as any of them, and no longer.
#include "tessera/core/shared.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tessera/core/thread.hpp"

using namespace tessera;

namespace {

/// Counts those that live.
struct Counted {
    int& living;
    int value;

    Counted(int& count, int number) : living(count), value(number) { ++living; }
    Counted(const Counted&) = delete;
    ~Counted() { --living; }
};

}  // namespace

TEST_CASE("the last owner takes what it holds along") {
    int living = 0;
    {
        auto first = SharedOwner<Counted>::make(living, 7);
        SharedOwner<Counted> second = first;
        CHECK(second == first);
        CHECK(second->value == 7);
        first = SharedOwner<Counted>::make(living, 8);
        CHECK(living == 2);
        CHECK_FALSE(second == first);
        const SharedOwner<Counted> moved = std::move(second);
        CHECK(living == 2);
        second = first;
        CHECK(second->value == 8);
        second = *&second;
        CHECK(second.get() == first.get());
        first = moved;
        second = moved;
        CHECK(living == 1);
        CHECK(first->value == 7);
    }
    CHECK(living == 0);
}

TEST_CASE("threads copy and drop what others hold, and see what was done before a flag was set") {
    int living = 0;
    int written = 0;
    SharedFlag ready(false);
    {
        const auto owner = SharedOwner<Counted>::make(living, 5);
        std::vector<Thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&written, &ready, held = owner] {
                for (int i = 0; i < 10000; ++i) {
                    const SharedOwner<Counted> copy = held;
                    if (copy->value != 5) written = -1;
                }
                while (!ready) continue;
                if (written != 3) written = -1;
            });
        }
        written = 3;
        ready.set(true);
    }
    CHECK(written == 3);
    CHECK(living == 0);
}
