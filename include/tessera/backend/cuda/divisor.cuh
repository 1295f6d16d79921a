// SPDX-License-Identifier: MIT
// Division by a number that is known before the launch: a multiplication and a shift in place of
// the some twenty instructions of an integer division.
#pragma once

#include <cstdint>

#include "tessera/backend/cuda/runtime.cuh"

namespace tessera::cuda {

/// Divides 0 <= n < 2^31 by d >= 1, exactly (Granlund and Montgomery, PLDI 1994).
///
/// With 2^(l-1) < d <= 2^l and m = ceil(2^(31+l) / d): m d = 2^(31+l) + e with 0 <= e < d <= 2^l,
/// so n m / 2^(31+l) exceeds n / d by n e / (d 2^(31+l)) < 1 / d, which never reaches the next
/// whole number; and m <= 2^32 - 1.
struct Divisor {
    int divisor = 1;
    int shift = 31;
    std::uint32_t multiplier = std::uint32_t{1} << 31;

    Divisor() = default;
    explicit Divisor(int d) : divisor(d) {
        while ((std::int64_t{1} << (shift - 31)) < d) ++shift;
        multiplier = static_cast<std::uint32_t>(
            ((std::uint64_t{1} << shift) + static_cast<std::uint64_t>(d) - 1) /
            static_cast<std::uint64_t>(d));
    }

    __device__ int quotient(int n) const {
        return static_cast<int>((std::uint64_t{static_cast<std::uint32_t>(n)} * multiplier) >>
                                shift);
    }
    __device__ int remainder(int n, int quotient_of_n) const { return n - quotient_of_n * divisor; }
};

}  // namespace tessera::cuda
