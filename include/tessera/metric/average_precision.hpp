// SPDX-License-Identifier: MIT
// Average precision as the VOC devkit computes it (VOCevalcls.m, VOCap.m).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/order.hpp"
#include "tessera/core/shape.hpp"

namespace tessera {

/// What an entry of a ranking is. The devkit leaves images with only difficult objects out: they
/// keep their place but count neither as right nor as wrong.
enum class Outcome : signed char { wrong = -1, ignored = 0, right = 1 };

/// One point per entry of the ranking, best first.
struct PrecisionRecall {
    std::vector<double> precision;  ///< right / (right + wrong) so far; 0 while both are none
    std::vector<double> recall;     ///< right / positives so far; 0 when there are no positives
    std::vector<double> score;
    std::vector<Index> right;  ///< right answers so far
    Index positives = 0;
};

/// An average precision and how many positives it rests on. Without positives it is 0 and means
/// nothing: mean_average_precision() leaves such classes out.
struct AveragePrecision {
    double value = 0;
    Index positives = 0;
};

enum class ApRule {
    area,          ///< VOC 2010 and later: the area below the curve made monotone
    eleven_point,  ///< VOC 2007: mean of the best precision at recall 0, 0.1, ... 1
};

/// The curve of a ranking by decreasing score; equal scores stay in list order, and minus infinity
/// (no score was given) stays in the ranking, at its end. `positives` may exceed the right answers
/// in the list: the others are never found. Throws Error when sizes differ, a score is NaN, or
/// there are more right answers than positives.
inline PrecisionRecall precision_recall(std::span<const Outcome> outcomes,
                                        std::span<const double> scores, Index positives) {
    require(outcomes.size() == scores.size(), "average precision: found ", scores.size(),
            " scores for ", outcomes.size(), " labels");
    for (std::size_t i = 0; i < scores.size(); ++i) {
        require(!std::isnan(scores[i]), "average precision: score ", i, " is not a number");
    }
    PrecisionRecall curve;
    curve.positives = positives;
    Index right = 0, wrong = 0;
    const auto higher = [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; };
    for (const std::size_t i : sorted_places(scores.size(), higher)) {
        right += outcomes[i] == Outcome::right;
        wrong += outcomes[i] == Outcome::wrong;
        // Leading ignored entries give 0 / 0: NaN in the devkit, passed over by MATLAB's max, as 0
        // is by ours.
        const Index answers = right + wrong;
        curve.precision.push_back(answers ? double(right) / double(answers) : 0.0);
        curve.recall.push_back(positives ? double(right) / double(positives) : 0.0);
        curve.score.push_back(scores[i]);
        curve.right.push_back(right);
    }
    require(right <= positives, "average precision: found ", right, " right answers among ",
            positives, " positives");
    return curve;
}

/// From VOC labels: 1 positive, 0 left out, -1 negative. Throws Error for other labels too.
inline PrecisionRecall precision_recall(std::span<const int> labels,
                                        std::span<const double> scores) {
    std::vector<Outcome> outcomes(labels.size());
    Index positives = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        require(labels[i] >= -1 && labels[i] <= 1, "average precision: label ", labels[i],
                " at position ", i, ", expected -1, 0 or 1");
        outcomes[i] = static_cast<Outcome>(labels[i]);
        positives += labels[i] == 1;
    }
    return precision_recall(outcomes, scores, positives);
}

inline AveragePrecision average_precision(const PrecisionRecall& curve, ApRule rule) {
    AveragePrecision result{.positives = curve.positives};
    if (curve.positives == 0) return result;
    // From the end backwards: the best precision at this recall or a higher one.
    double best = 0, area = 0;
    std::array<double, 11> at_tenth{};
    for (std::size_t i = curve.precision.size(); i-- > 0;) {
        best = std::max(best, curve.precision[i]);
        const double before = i ? curve.recall[i - 1] : 0.0;
        area += (curve.recall[i] - before) * best;
        // recall >= t / 10 in whole numbers: 3 of 10 reach 0.3, though 0.1 * 3 > 0.3 in binary.
        const auto tenths = static_cast<std::size_t>(10 * curve.right[i] / curve.positives);
        at_tenth[tenths] = std::max(at_tenth[tenths], curve.precision[i]);
    }
    if (rule == ApRule::area) {
        result.value = area;
        return result;
    }
    double highest = 0;
    for (std::size_t t = 11; t-- > 0;) {
        highest = std::max(highest, at_tenth[t]);
        result.value += highest / 11;
    }
    return result;
}

inline AveragePrecision average_precision(std::span<const int> labels,
                                          std::span<const double> scores, ApRule rule) {
    return average_precision(precision_recall(labels, scores), rule);
}

/// The plain mean over the classes that have positives; 0 when none has.
inline double mean_average_precision(std::span<const AveragePrecision> classes) {
    double sum = 0;
    Index count = 0;
    for (const AveragePrecision& one : classes) {
        if (one.positives == 0) continue;
        sum += one.value;
        ++count;
    }
    return count ? sum / double(count) : 0.0;
}

}  // namespace tessera
