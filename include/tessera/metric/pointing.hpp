// SPDX-License-Identifier: MIT
// Pointing: is the place that a map points to on an object of the class?
//
// Oquab, Bottou, Laptev, Sivic, "Is object localization for free?", CVPR 2015.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "tessera/core/box.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/shape.hpp"
#include "tessera/metric/average_precision.hpp"

namespace tessera {

/// The follow-up's tolerance in pixels, on images of about 500: boxes are grown by it on each side.
inline constexpr double pointing_tolerance = 18;

/// True when (x, y) lies in one of the boxes, grown by `tolerance` pixels on each side.
inline bool points_at(double x, double y, std::span<const Box> boxes, double tolerance = 0) {
    return std::any_of(boxes.begin(), boxes.end(),
                       [&](const Box& box) { return box.grown(tolerance).contains(x, y); });
}

/// Pointing accuracy over the (image, class) pairs in which the class is present.
class PointingAccuracy {
public:
    explicit PointingAccuracy(int classes)
        : hits_(std::size_t(classes), 0), totals_(std::size_t(classes), 0) {
        require(classes > 0, "PointingAccuracy: the number of classes is ", classes);
    }

    /// One pair. Throws Error for a label outside the classes.
    void add(int label, bool hit) {
        require(label >= 0 && std::size_t(label) < hits_.size(), "PointingAccuracy: label ", label,
                ", expected 0 to ", hits_.size() - 1);
        hits_[std::size_t(label)] += hit;
        ++totals_[std::size_t(label)];
    }

    Index hits(int label) const { return hits_[std::size_t(label)]; }
    Index total(int label) const { return totals_[std::size_t(label)]; }
    /// Hits per pair; 0 when there is none.
    double micro() const {
        Index hits = 0, total = 0;
        for (std::size_t c = 0; c < hits_.size(); ++c) {
            hits += hits_[c];
            total += totals_[c];
        }
        return total ? double(hits) / double(total) : 0.0;
    }
    /// Mean over the classes that have pairs; 0 when none has.
    double macro() const {
        double sum = 0;
        int present = 0;
        for (std::size_t c = 0; c < hits_.size(); ++c) {
            if (totals_[c] == 0) continue;
            sum += double(hits_[c]) / double(totals_[c]);
            ++present;
        }
        return present ? sum / present : 0.0;
    }

private:
    std::vector<Index> hits_;
    std::vector<Index> totals_;
};

/// One class: the curve over images in which a positive counts as right only when its place is
/// right. A wrong place is a false positive, and a false negative because the positive is never
/// found. `hits` holds non-zero for a right place and is read for label 1 only.
inline PrecisionRecall pointing_precision_recall(std::span<const int> labels,
                                                 std::span<const double> scores,
                                                 std::span<const char> hits) {
    require(hits.size() == labels.size(), "pointing: found ", hits.size(), " places for ",
            labels.size(), " labels");
    std::vector<Outcome> outcomes(labels.size());
    Index positives = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        require(labels[i] >= -1 && labels[i] <= 1, "pointing: label ", labels[i], " at position ",
                i, ", expected -1, 0 or 1");
        outcomes[i] = static_cast<Outcome>(labels[i]);
        if (labels[i] != 1) continue;
        ++positives;
        if (!hits[i]) outcomes[i] = Outcome::wrong;
    }
    return precision_recall(outcomes, scores, positives);
}

}  // namespace tessera
