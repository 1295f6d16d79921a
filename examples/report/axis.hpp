// SPDX-License-Identifier: MIT
// Axes of a chart and their ticks.
#pragma once

#include <cmath>
#include <vector>

namespace report {

/// From the data to the picture along one direction; reversed where the picture counts downwards.
struct Axis {
    double low = 0, high = 1;    ///< of the data
    double first = 0, last = 1;  ///< of the picture
    bool logarithmic = false;

    double at(double value) const {
        const double part = logarithmic ? std::log(value / low) / std::log(high / low)
                                        : (value - low) / (high - low);
        return first + part * (last - first);
    }
};

/// Round values (1, 2 or 5 times a power of ten) from low to high, about `wanted` of them and at
/// least `least` apart.
inline std::vector<double> linear_ticks(double low, double high, int wanted, double least = 0) {
    const double rough = (high - low) / wanted;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    const double digit = rough / power;
    const double step = std::fmax(least, power * (digit < 1.5   ? 1
                                                  : digit < 3.5 ? 2
                                                  : digit < 7.5 ? 5
                                                                : 10));
    std::vector<double> ticks;
    const auto begin = std::ceil(low / step - 1e-9), end = std::floor(high / step + 1e-9);
    for (double i = begin; i <= end; ++i) ticks.push_back(i * step);
    return ticks;
}

/// 1, 2 and 5 times powers of ten; the powers alone when there would be more than eight.
inline std::vector<double> logarithmic_ticks(double low, double high) {
    std::vector<double> ticks, powers;
    const auto begin = static_cast<int>(std::floor(std::log10(low)));
    const auto end = static_cast<int>(std::ceil(std::log10(high)));
    for (int exponent = begin; exponent <= end; ++exponent) {
        for (const int digit : {1, 2, 5}) {
            const double tick = digit * std::pow(10, exponent);
            if (tick < low * 0.999 || tick > high * 1.001) continue;
            ticks.push_back(tick);
            if (digit == 1) powers.push_back(tick);
        }
    }
    return ticks.size() > 8 ? powers : ticks;
}

}  // namespace report
