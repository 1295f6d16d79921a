// SPDX-License-Identifier: MIT
// Random numbers by counting: every draw is a pure function of (seed, purpose, epoch, sample,
// index).
//
// Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC
// 2011. Nothing depends on how many threads or workers draw, or in which order.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

namespace tessera {

/// What a stream of numbers is for. Two purposes never share a draw.
enum class Purpose : std::uint32_t {
    initialise,
    shuffle,
    augment,
    dropout,
    sample,
    generate,
    zoom,
    balance
};

/// The name of a stream. `epoch` and `sample` are any two numbers: for dropout the step and the
/// layer.
struct Stream {
    std::uint64_t seed = 0;
    Purpose purpose = Purpose::initialise;
    std::uint32_t epoch = 0;
    std::uint32_t sample = 0;
};

using RandomBlock = std::array<std::uint32_t, 4>;

/// Philox 4x32 with ten rounds.
constexpr RandomBlock philox(RandomBlock counter, std::uint32_t key0, std::uint32_t key1) {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
        const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
        counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key0,
                   static_cast<std::uint32_t>(product1),
                   static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key1,
                   static_cast<std::uint32_t>(product0)};
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return counter;
}

/// The `block`-th four words of a stream.
constexpr RandomBlock random_block(const Stream& stream, std::uint32_t block) {
    return philox({block, static_cast<std::uint32_t>(stream.purpose), stream.epoch, stream.sample},
                  static_cast<std::uint32_t>(stream.seed),
                  static_cast<std::uint32_t>(stream.seed >> 32));
}

/// 24 random bits as a number in [0, 1).
constexpr float unit_interval(std::uint32_t bits) {
    return static_cast<float>(bits >> 8) * 0x1p-24f;
}

/// Draws one after the other from a stream.
class Random {
public:
    explicit constexpr Random(const Stream& stream) : stream_(stream) {}

    constexpr std::uint32_t bits() {
        if (next_ == 4) {
            words_ = random_block(stream_, block_++);
            next_ = 0;
        }
        return words_[static_cast<std::size_t>(next_++)];
    }
    /// In [0, 1).
    constexpr float uniform() { return unit_interval(bits()); }
    /// From low on and below high, which rounding may reach.
    constexpr float uniform(float low, float high) { return low + (high - low) * uniform(); }
    /// In 0 .. count - 1. requires count > 0. Unbiased to 2^-32 * count.
    constexpr std::uint32_t below(std::uint32_t count) {
        return static_cast<std::uint32_t>((std::uint64_t{bits()} * count) >> 32);
    }
    constexpr bool chance(float probability) { return uniform() < probability; }
    /// Mean 0, deviation 1 (Box and Muller).
    double normal() {
        const double u = (static_cast<double>(bits()) + 0.5) * 0x1p-32;
        const double v = static_cast<double>(bits()) * 0x1p-32;
        return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
    }
    /// Fisher and Yates.
    template <class Range>
    constexpr void shuffle(Range& range) {
        for (auto n = static_cast<std::uint32_t>(range.size()); n > 1; --n) {
            std::swap(range[n - 1], range[below(n)]);
        }
    }

private:
    Stream stream_;
    RandomBlock words_{};
    std::uint32_t block_ = 0;
    int next_ = 4;
};

}  // namespace tessera
