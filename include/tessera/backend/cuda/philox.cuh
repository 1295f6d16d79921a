// SPDX-License-Identifier: MIT
// The words of core/random.hpp on the device, where members of std::array cannot be called.
#pragma once

#include <cstdint>

#include "tessera/backend/cuda/pack.cuh"
#include "tessera/core/random.hpp"

namespace tessera::cuda {

/// As random_block: the `block`-th four words of a stream, bit for bit.
__device__ inline Pack<std::uint32_t, 4> random_words(const Stream& stream, std::uint32_t block) {
    std::uint32_t a = block, b = static_cast<std::uint32_t>(stream.purpose);
    std::uint32_t c = stream.epoch, d = stream.sample;
    std::uint32_t key0 = static_cast<std::uint32_t>(stream.seed);
    std::uint32_t key1 = static_cast<std::uint32_t>(stream.seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t product0 = std::uint64_t{0xD2511F53} * a;
        const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * c;
        a = static_cast<std::uint32_t>(product1 >> 32) ^ b ^ key0;
        b = static_cast<std::uint32_t>(product1);
        c = static_cast<std::uint32_t>(product0 >> 32) ^ d ^ key1;
        d = static_cast<std::uint32_t>(product0);
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return {{a, b, c, d}};
}

}  // namespace tessera::cuda
