// SPDX-License-Identifier: MIT
// Philox (core/random.hpp) for as many blocks at once as a vector has lanes: four vectors of words,
// ten rounds of four products each. With AVX-512 a core of Zen 5 draws 1.2 numbers a nanosecond
// (bench_op_ops, dropout6).
#pragma once

#include <cstdint>

#include "tessera/backend/cpu/vector.hpp"
#include "tessera/core/random.hpp"

namespace tessera::cpu {

/// For with_instructions: vectors of `Bytes` bytes.
template <int Bytes>
struct RandomLanes {
    using Words = typename detail::Vector<Bytes, std::uint32_t>::Lanes;
    using Products = typename detail::Vector<Bytes, std::uint64_t>::Lanes;
    static constexpr int lanes = Bytes / 4;

    /// Lane k of words[j] is word j of random_block(stream, first + k).
    [[gnu::always_inline]] static inline void draw(const Stream& stream, std::uint32_t first,
                                                   Words (&words)[4]) {
        for (std::uint32_t k = 0; k < lanes; ++k) words[0][k] = first + k;
        words[1] = static_cast<std::uint32_t>(stream.purpose) + Words{};
        words[2] = stream.epoch + Words{};
        words[3] = stream.sample + Words{};
        auto key0 = static_cast<std::uint32_t>(stream.seed);
        auto key1 = static_cast<std::uint32_t>(stream.seed >> 32);
        for (int round = 0; round < 10; ++round) {
            Words upper[2], lower[2];
            multiply(words[0], 0xD2511F53, upper[0], lower[0]);
            multiply(words[2], 0xCD9E8D57, upper[1], lower[1]);
            words[0] = upper[1] ^ words[1] ^ key0;
            words[1] = lower[1];
            words[2] = upper[0] ^ words[3] ^ key1;
            words[3] = lower[0];
            key0 += 0x9E3779B9;
            key1 += 0xBB67AE85;
        }
    }

private:
    /// The halves of a * b, lanes with even and with odd numbers apart.
    [[gnu::always_inline]] static inline void multiply(const Words& a, std::uint64_t b,
                                                       Words& upper, Words& lower) {
        constexpr std::uint64_t low = 0xFFFFFFFF;
        const auto pairs = reinterpret_cast<Products>(a);
        const Products even = (pairs & low) * b, odd = (pairs >> 32) * b;
        upper = reinterpret_cast<Words>((even >> 32) | (odd & ~low));
        lower = reinterpret_cast<Words>((even & low) | (odd << 32));
    }
};

}  // namespace tessera::cpu
