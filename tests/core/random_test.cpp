// SPDX-License-Identifier: MIT
// Random numbers are Philox's published ones, streams have nothing in common, and what is drawn
// from them has the distribution it should have.
#include "tessera/core/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>
#include <set>
#include <vector>

using namespace tessera;

namespace {

// The known answers of the authors' library (Random123, kat_vectors, "philox4x32 10").
static_assert(philox({0, 0, 0, 0}, 0, 0) ==
              RandomBlock{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8});
static_assert(philox({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, 0xFFFFFFFF, 0xFFFFFFFF) ==
              RandomBlock{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD});
constexpr RandomBlock of_pi{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1};
static_assert(philox({0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344}, 0xA4093822, 0x299F31D0) ==
              of_pi);

// A stream is counted by (block, purpose, epoch, sample); its seed is the key, lower half first.
static_assert(random_block({.seed = 0x299F31D0'A4093822,
                            .purpose = Purpose{0x85A308D3},
                            .epoch = 0x13198A2E,
                            .sample = 0x03707344},
                           0x243F6A88) == of_pi);
// These numbers are part of what a seed means: a new purpose goes to the end.
static_assert(int(Purpose::initialise) == 0 && int(Purpose::shuffle) == 1 &&
              int(Purpose::augment) == 2 && int(Purpose::dropout) == 3 &&
              int(Purpose::sample) == 4 && int(Purpose::generate) == 5 && int(Purpose::zoom) == 6 &&
              int(Purpose::balance) == 7);

constexpr Stream stream{.seed = 12, .purpose = Purpose::sample, .epoch = 3, .sample = 4};

constexpr bool words_come_block_by_block() {
    Random random(stream);
    for (std::uint32_t block = 0; block < 5; ++block) {
        for (const std::uint32_t word : random_block(stream, block)) {
            if (random.bits() != word) return false;
        }
    }
    return true;
}
static_assert(words_come_block_by_block());

// 24 bits fit into a float as they are: nothing is rounded up to 1.
static_assert(unit_interval(0) == 0 && unit_interval(0xFF) == 0);
static_assert(unit_interval(0x80000000) == 0.5f && unit_interval(0xFFFFFFFF) == 1 - 0x1p-24f);

constexpr bool below_takes_the_upper_bits() {
    Random random(stream), again(stream);
    for (const std::uint32_t count : {1u, 2u, 3u, 1000u, 0x80000001u, 0xFFFFFFFFu}) {
        const std::uint32_t found = random.below(count);
        if (found >= count) return false;
        if (found != (std::uint64_t{again.bits()} * count) >> 32) return false;
    }
    return true;
}
static_assert(below_takes_the_upper_bits());

/// The squared deviations from an even spread, each by its expected count.
template <class Counts>
double chi_square(const Counts& counts, double expected) {
    double sum = 0;
    for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
    return sum;
}

}  // namespace

TEST_CASE("streams that differ in anything share no word") {
    std::vector<Stream> streams;
    for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32}) {
        for (std::uint32_t purpose = 0; purpose < 8; ++purpose) {
            for (const std::uint32_t epoch : {0u, 1u, 2u}) {
                for (const std::uint32_t sample : {0u, 1u, 2u}) {
                    streams.push_back({seed, Purpose{purpose}, epoch, sample});
                }
            }
        }
    }
    // 3456 words: two would be equal by chance once in 700 such sets.
    std::set<std::uint32_t> words;
    for (const Stream& each : streams) {
        for (std::uint32_t block = 0; block < 4; ++block) {
            const RandomBlock four = random_block(each, block);
            words.insert(four.begin(), four.end());
        }
    }
    CHECK(words.size() == streams.size() * 16);
}

TEST_CASE("each number below a count is as likely as any other") {
    // The bounds are exceeded by chance once in 100,000 streams.
    for (const std::uint32_t count : {2u, 6u, 10u}) {
        Random random(stream);
        std::vector<int> counts(count);
        for (int draw = 0; draw < 60'000; ++draw) ++counts[random.below(count)];
        CHECK(chi_square(counts, 60'000.0 / count) < (count == 2 ? 20 : count == 6 ? 31 : 40));
    }
    // More than half of 2^32: what a remainder would favour most.
    Random random(stream);
    int upper = 0;
    for (int draw = 0; draw < 60'000; ++draw) upper += random.below(0xC0000000) >= 0x60000000;
    CHECK(std::abs(upper - 30'000) < 550);
}

TEST_CASE("a uniform number lies in its interval, with its mean and deviation") {
    Random random(stream);
    constexpr int draws = 100'000;
    double sum = 0, squares = 0;
    int lucky = 0;
    for (int draw = 0; draw < draws; ++draw) {
        const float value = random.uniform();
        REQUIRE((value >= 0 && value < 1));
        sum += value;
        squares += double(value) * value;
        const float moved = random.uniform(-3, 5);
        REQUIRE((moved >= -3 && moved <= 5));
        lucky += random.chance(0.3f);
        REQUIRE_FALSE(random.chance(0));
        REQUIRE(random.chance(1));
    }
    CHECK(std::abs(sum / draws - 0.5) < 0.005);
    CHECK(std::abs(squares / draws - 1.0 / 3) < 0.005);
    CHECK(std::abs(lucky - 30'000) < 730);
}

TEST_CASE("normal numbers have the moments of the normal distribution") {
    Random random(stream);
    constexpr int draws = 200'000;
    double moments[5]{};
    for (int draw = 0; draw < draws; ++draw) {
        const double value = random.normal();
        REQUIRE(std::isfinite(value));
        double power = 1;
        for (double& moment : moments) {
            moment += power / draws;
            power *= value;
        }
    }
    CHECK(std::abs(moments[1]) < 0.011);
    CHECK(std::abs(moments[2] - 1) < 0.016);
    CHECK(std::abs(moments[3]) < 0.045);
    CHECK(std::abs(moments[4] - 3) < 0.12);
}

TEST_CASE("a shuffle is a permutation, another one for another stream") {
    const auto shuffled = [](std::uint32_t epoch) {
        std::vector<int> order(100);
        std::iota(order.begin(), order.end(), 0);
        Random({.seed = 12, .purpose = Purpose::shuffle, .epoch = epoch}).shuffle(order);
        return order;
    };
    std::vector<int> sorted = shuffled(0);
    CHECK_FALSE(std::ranges::is_sorted(sorted));
    std::ranges::sort(sorted);
    for (int i = 0; i < 100; ++i) CHECK(sorted[std::size_t(i)] == i);
    CHECK(shuffled(0) == shuffled(0));
    CHECK(shuffled(0) != shuffled(1));

    std::vector<int> none, one{7};
    Random random(stream);
    random.shuffle(none);
    random.shuffle(one);
    CHECK(one == std::vector<int>{7});
    Random untouched(stream);
    CHECK(random.bits() == untouched.bits());
}

TEST_CASE("each order of a shuffle is as likely as any other") {
    std::map<std::vector<int>, double> counts;
    Random random(stream);
    for (int draw = 0; draw < 24'000; ++draw) {
        std::vector<int> order{0, 1, 2, 3};
        random.shuffle(order);
        ++counts[order];
    }
    REQUIRE(counts.size() == 24);
    std::vector<double> spread;
    for (const auto& [order, count] : counts) spread.push_back(count);
    CHECK(chi_square(spread, 1000) < 65);
}
