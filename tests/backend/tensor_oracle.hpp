// SPDX-License-Identifier: MIT
// What the tests of products on tensor cores share: operands that are exact there, so that what is
// left is the rounding of sums and outputs.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "hosted_products.hpp"
#include "oracle.hpp"
#include "tessera/core/bfloat16.hpp"

namespace tessera::test {

/// Random values that tensor cores take as they are.
template <class T>
std::vector<T> exact_values(Random& random, Index count) {
    auto values = random_values<float>(random, count);
    if constexpr (std::is_same_v<T, Bf16>) {
        return {values.begin(), values.end()};
    } else {
        for (float& value : values) {
            value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & 0xFFFFE000);
        }
        return values;
    }
}

template <class T>
std::vector<T> not_a_number(Index count) {
    return std::vector<T>(static_cast<std::size_t>(count),
                          T(std::numeric_limits<float>::quiet_NaN()));
}

/// What the rounding of sums may do, relative to the largest. Tensor cores cut where floats round.
#ifdef __CUDACC__
inline constexpr double sum_tolerance = 5e-5;
#else
inline constexpr double sum_tolerance = tolerance;
#endif

/// Whether each number is the expected one, rounded to T, but for the rounding of float sums.
template <class T>
bool agrees(const std::vector<T>& found, const Values& expected) {
    double largest = 0;
    for (const double value : expected) largest = std::max(largest, std::abs(value));
    const double unit = std::is_same_v<T, Bf16> ? 1.0 / 256 : 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        const double apart = std::abs(double{found[i]} - expected[i]);
        if (!(apart <= unit * std::abs(expected[i]) + sum_tolerance * largest)) return false;
    }
    return true;
}

/// Copies in device memory, at an odd address where `shift` is not 0.
template <class T>
class OnDevice {
public:
    OnDevice(const std::vector<T>& host, Index shift)
        : memory_(static_cast<Index>(host.size()) + shift), shift_(shift) {
        cuda::DeviceMemory::upload(data(), host.data(), host.size() * sizeof(T));
    }
    T* data() { return memory_.data() + shift_; }
    std::vector<T> values() {
        std::vector<T> host(static_cast<std::size_t>(memory_.size() - shift_));
        cuda::DeviceMemory::download(host.data(), data(), host.size() * sizeof(T));
        return host;
    }

private:
    Buffer<T, cuda::DeviceMemory> memory_;
    Index shift_;
};

}  // namespace tessera::test
