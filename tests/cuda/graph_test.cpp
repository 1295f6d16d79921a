// SPDX-License-Identifier: MIT
// A Graph does what the calls that it listens to would do.
#include "tessera/backend/cuda/graph.cuh"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "files.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

using Ints = Buffer<int, cuda::DeviceMemory>;

/// to[i] = factor * from[i] + i; the flag lets bytes between the members hold anything.
struct Scale {
    bool negative;
    Index count;
    const int* from;
    int* to;
    int factor;

    __device__ void operator()() const {
        const Index i = cuda::global_thread();
        if (i < count) to[i] = (negative ? -factor : factor) * from[i] + static_cast<int>(i);
    }
};
struct Negate {
    Index count;
    int* numbers;

    __device__ void operator()() const {
        const Index i = cuda::global_thread();
        if (i < count) numbers[i] = -numbers[i];
    }
};

void scale(const Ints& from, Ints& to, int factor, Index count) {
    cuda::launch("scale", cuda::blocks_for(count, 64), 64,
                 Scale{factor < 0, count, from.data(), to.data(), std::abs(factor)});
}
void negate(Ints& numbers) {
    cuda::launch("negate", cuda::blocks_for(numbers.size()), cuda::default_threads,
                 Negate{numbers.size(), numbers.data()});
}

void put(Ints& to, const std::vector<int>& from) {
    cuda::DeviceMemory::upload(to.data(), from.data(), from.size() * sizeof(int));
}
std::vector<int> numbers_of(const Ints& numbers) {
    std::vector<int> copy(static_cast<std::size_t>(numbers.size()));
    copy_numbers<HostMemory, cuda::DeviceMemory>(copy.data(), numbers.data(), numbers.size());
    return copy;
}
std::vector<int> counted_from(int first, int count) {
    std::vector<int> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), first);
    return numbers;
}
std::vector<int> scaled(std::vector<int> numbers, int factor) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        numbers[i] = factor * numbers[i] + static_cast<int>(i);
    }
    return numbers;
}

/// Whether body() is being listened to, and not simply done.
bool heard() { return cuda::detail::listener != nullptr; }

}  // namespace

TEST_CASE("a run has the numbers, the addresses and the extent of now") {
    constexpr int count = 300;
    Ints x(count), y(count), other(count);
    cuda::Graph graph;
    int plain = 0;
    for (int round = 0; round < 8; ++round) {
        CAPTURE(round);
        put(x, counted_from(round, count));
        Ints& to = round < 5 ? y : other;
        const int some = round % 2 ? count : 100;
        cuda::DeviceMemory::fill(to.data(), std::byte{0}, count * sizeof(int));
        graph.run([&] {
            plain += !heard();
            scale(x, to, round - 3, some);
        });
        auto expected = scaled(counted_from(round, count), round - 3);
        std::fill(expected.begin() + some, expected.end(), 0);
        CHECK(numbers_of(to) == expected);
    }
    CHECK(plain == 1);
}

TEST_CASE("copies from the host are there before the work, whatever becomes of their source") {
    constexpr int count = 1000;
    Ints x(count), y(count);
    cuda::Graph graph;
    int plain = 0;
    std::vector<int> source;
    for (int round = 0; round < 6; ++round) {
        source = counted_from(7 * round, count);
        graph.run([&] {
            plain += !heard();
            put(x, source);
            scale(x, y, 3, count);
        });
        source.assign(source.size(), -1);
        CHECK(numbers_of(y) == scaled(counted_from(7 * round, count), 3));
    }
    CHECK(plain == 1);
}

TEST_CASE("other work than was recorded is done, and recorded when it comes again") {
    constexpr int count = 100;
    Ints x(count), y(count);
    put(x, counted_from(1, count));
    cuda::Graph graph;
    int plain = 0;
    const auto round = [&](int negations, bool cleared) {
        plain = 0;
        graph.run([&] {
            plain += !heard();
            if (cleared) cuda::DeviceMemory::fill(x.data(), std::byte{0}, count * sizeof(int));
            scale(x, y, 2, count);
            for (int i = 0; i < negations; ++i) negate(y);
        });
        auto expected = scaled(cleared ? std::vector<int>(count) : counted_from(1, count), 2);
        for (int& number : expected) number = negations % 2 ? -number : number;
        CHECK(numbers_of(y) == expected);
        return plain == 1;
    };
    CHECK(round(1, false));
    CHECK(!round(1, false));
    // Once in between: the recording is kept.
    CHECK(round(2, false));
    CHECK(!round(1, false));
    // Less than was recorded, more, and something else, twice each.
    for (const int negations : {0, 3, 2}) {
        CHECK(round(negations, false));
        CHECK(!round(negations, false));
        CHECK(!round(negations, false));
    }
    CHECK(round(2, true));
    CHECK(!round(2, true));
}

TEST_CASE("what cannot be recorded is done each time") {
    constexpr int count = 10;
    Ints x(count), y(count);
    cuda::Graph graph;
    for (int round = 0; round < 5; ++round) {
        std::vector<int> seen;
        graph.run([&] {
            put(x, counted_from(round, count));
            scale(x, y, 1, count);
            seen = numbers_of(y);
            put(x, counted_from(0, count));
            scale(x, y, 1, count);
        });
        CHECK(seen == scaled(counted_from(round, count), 1));
        CHECK(numbers_of(y) == scaled(counted_from(0, count), 1));
    }
    for (int round = 0; round < 5; ++round) {
        graph.run([&] {
            put(x, counted_from(round, count));
            scale(x, y, 1, count);
            put(x, counted_from(5, count));
        });
        CHECK(numbers_of(y) == scaled(counted_from(round, count), 1));
    }
    CHECK(has(message_of([&] {
                  graph.record([&] {
                      put(x, counted_from(0, count));
                      put(x, counted_from(1, count));
                  });
              }),
              "cannot copy from the host to one place twice"));
    CHECK(has(message_of([&] { graph.record([&] { numbers_of(x); }); }), "cannot wait"));
    cuda::Graph other;
    other.record([&] { scale(x, y, 1, count); });
    CHECK(has(message_of([&] { graph.record([&] { other.replay(); }); }), "part of another"));
    CHECK(!heard());
}

TEST_CASE("an error in between leaves a graph that goes on") {
    constexpr int count = 50;
    Ints x(count), y(count);
    put(x, counted_from(0, count));
    cuda::Graph graph;
    for (int round = 0; round < 9; ++round) {
        const bool broken = round % 3 == 2;
        const auto body = [&] {
            scale(x, y, round, count);
            require(!broken, "broken");
            negate(y);
        };
        if (broken) {
            CHECK(message_of([&] { graph.run(body); }) == "broken");
            continue;
        }
        graph.run(body);
        auto expected = scaled(counted_from(0, count), round);
        for (int& number : expected) number = -number;
        CHECK(numbers_of(y) == expected);
    }
    CHECK(!heard());
}
