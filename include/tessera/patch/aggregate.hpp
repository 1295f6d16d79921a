// SPDX-License-Identifier: MIT
// Aggregation: the score of an image from the scores of its patches.
//
// score(c) = 1/M sum over patches i of y(c | i)^k, k = 5: Oquab et al. 2014, section 3.3.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/shape.hpp"

namespace tessera {

/// The paper's exponent, chosen on its validation set.
inline constexpr double paper_power = 5;

/// Mean of k-th powers of probabilities, per class, fed in pieces of any size.
class PowerMean {
public:
    explicit PowerMean(int classes, double power = paper_power)
        : power_(power), sums_(std::size_t(classes), 0.0) {
        require(classes > 0, "PowerMean: the number of classes is ", classes);
        require(power > 0, "PowerMean: the power is ", power, ", expected more than 0");
    }

    /// Row after row, one probability per class. With `weight` the mean is a weighted one: 1 /
    /// (patches of the scale) gives every scale the same say. Throws Error for a broken row, a
    /// value that is negative or not a number, or a weight that is not positive.
    template <class T>
    void add(std::span<const T> probabilities, double weight = 1) {
        const std::size_t classes = sums_.size();
        require(probabilities.size() % classes == 0, "PowerMean: found ", probabilities.size(),
                " values, expected a multiple of ", classes);
        require(weight > 0, "PowerMean: the weight is ", weight, ", expected more than 0");
        for (std::size_t i = 0; i < probabilities.size(); ++i) {
            const double value = static_cast<double>(probabilities[i]);
            require(value >= 0, "PowerMean: found a probability of ", value);
            sums_[i % classes] += weight * raise(value);
        }
        const auto rows = static_cast<Index>(probabilities.size() / classes);
        patches_ += rows;
        weight_ += weight * static_cast<double>(rows);
    }
    template <class T>
    void add(const std::vector<T>& probabilities, double weight = 1) {
        add(std::span<const T>(probabilities), weight);
    }

    Index patches() const { return patches_; }

    /// Throws Error when no patch was added.
    std::vector<double> scores() const {
        require(patches_ > 0, "PowerMean: no patch was added");
        std::vector<double> scores(sums_);
        for (double& score : scores) score /= weight_;
        return scores;
    }

    void clear() {
        std::fill(sums_.begin(), sums_.end(), 0.0);
        patches_ = 0;
        weight_ = 0;
    }

private:
    double raise(double value) const {
        if (power_ == 1) return value;
        if (power_ == 5) return value * value * value * value * value;
        return std::pow(value, power_);
    }

    double power_;
    std::vector<double> sums_;
    Index patches_ = 0;
    double weight_ = 0;
};

/// The same from logarithms of probabilities, and as a logarithm: ranks images whose scores would
/// all underflow to zero. log score = log sum exp(k l - m) + m - log M with the running maximum m.
class LogPowerMean {
public:
    explicit LogPowerMean(int classes, double power = paper_power)
        : power_(power),
          largest_(std::size_t(classes), -std::numeric_limits<double>::infinity()),
          sums_(std::size_t(classes), 0.0) {
        require(classes > 0, "LogPowerMean: the number of classes is ", classes);
        require(power > 0, "LogPowerMean: the power is ", power, ", expected more than 0");
    }

    /// Row after row, one logarithm per class; minus infinity is allowed. Throws Error for a broken
    /// row, plus infinity or NaN.
    template <class T>
    void add(std::span<const T> logarithms) {
        const std::size_t classes = sums_.size();
        require(logarithms.size() % classes == 0, "LogPowerMean: found ", logarithms.size(),
                " values, expected a multiple of ", classes);
        for (std::size_t i = 0; i < logarithms.size(); ++i) {
            const double value = power_ * static_cast<double>(logarithms[i]);
            require(value < std::numeric_limits<double>::infinity(),
                    "LogPowerMean: found a logarithm of ", logarithms[i]);
            if (value == -std::numeric_limits<double>::infinity()) continue;
            double& largest = largest_[i % classes];
            double& sum = sums_[i % classes];
            if (value > largest) {
                sum = sum * std::exp(largest - value) + 1;
                largest = value;
            } else {
                sum += std::exp(value - largest);
            }
        }
        patches_ += static_cast<Index>(logarithms.size() / classes);
    }
    template <class T>
    void add(const std::vector<T>& logarithms) {
        add(std::span<const T>(logarithms));
    }

    Index patches() const { return patches_; }

    /// Logarithms of the scores; minus infinity where every patch had probability zero. Throws
    /// Error when no patch was added.
    std::vector<double> scores() const {
        require(patches_ > 0, "LogPowerMean: no patch was added");
        std::vector<double> scores(sums_.size());
        for (std::size_t c = 0; c < scores.size(); ++c) {
            scores[c] = std::log(sums_[c]) + (sums_[c] > 0 ? largest_[c] : 0) -
                        std::log(static_cast<double>(patches_));
        }
        return scores;
    }

private:
    double power_;
    std::vector<double> largest_;
    std::vector<double> sums_;
    Index patches_ = 0;
};

}  // namespace tessera
