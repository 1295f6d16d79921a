// SPDX-License-Identifier: MIT
// The files make_fixtures.py wrote, and arrays between PyTorch's order and ours.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tessera/core/view.hpp"
#include "tessera/io/safetensors.hpp"

namespace tessera::test {

inline std::string fixture_path(const std::string& name) {
    return TESSERA_SOURCE_DIR "/tests/foreign/fixtures/" + name + ".safetensors";
}

/// A tensor's elements in the file's order.
template <class T = double>
std::vector<T> values(const SafetensorsFile& file, const std::string& name) {
    std::vector<T> numbers(static_cast<std::size_t>(file.at(name).size()));
    file.read(name, std::span<T>(numbers));
    return numbers;
}

/// From (batch, channels, height, width) to (batch, height, width, channels).
template <class T>
std::vector<T> channels_last(const std::vector<T>& numbers, Shape shape) {
    std::vector<T> result(numbers.size());
    const Index area = shape.area(), channels = shape.channels;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto at = static_cast<Index>(i);
        const Index sample = at / shape.size(), c = at / area % channels, p = at % area;
        result[static_cast<std::size_t>((sample * area + p) * channels + c)] = numbers[i];
    }
    return result;
}

/// The greatest difference, relative to the greatest value expected (at least 1); NaN differs.
template <class Found, class Expected>
double distance(const Found& found, const Expected& expected) {
    REQUIRE(std::size(found) == std::size(expected));
    double worst = 0, greatest = 1;
    for (std::size_t i = 0; i < std::size(expected); ++i) {
        const double difference = std::abs(static_cast<double>(found[i]) - expected[i]);
        if (!(difference <= worst)) worst = std::isnan(difference) ? HUGE_VAL : difference;
        greatest = std::max(greatest, std::abs(static_cast<double>(expected[i])));
    }
    return worst / greatest;
}

/// What float and double may differ by from a computation in double.
template <class T>
inline constexpr double tolerance = sizeof(T) == 8 ? 1e-11 : 1e-5;

}  // namespace tessera::test
