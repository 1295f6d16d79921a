// SPDX-License-Identifier: MIT
// Top-k accuracy.
#pragma once

#include <span>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/shape.hpp"

namespace tessera {

/// True when the score of `label` is one of the k highest. Ties count against the answer, so a
/// network that says the same of every class is wrong, not right; the order of the classes plays no
/// part, and a NaN counts as higher. requires 0 <= label < scores.size().
template <class T>
bool in_top_k(std::span<const T> scores, int label, int k) {
    const T own = scores[static_cast<std::size_t>(label)];
    int not_lower = 0;  // the answer among them
    for (const T score : scores) not_lower += !(score < own);
    return not_lower <= k && own == own;
}

/// Counts correct answers over any number of batches.
class TopK {
public:
    explicit TopK(int k) : k_(k) { require(k > 0, "TopK: k is ", k, ", expected at least 1"); }

    /// `scores` holds one row of classes per label. Throws Error when the sizes do not fit or a
    /// label is outside the classes.
    template <class T>
    void add(std::span<const T> scores, std::span<const int> labels) {
        if (labels.empty()) return;
        require(!scores.empty() && scores.size() % labels.size() == 0, "TopK: found ",
                scores.size(), " scores for ", labels.size(), " labels");
        const std::size_t classes = scores.size() / labels.size();
        for (std::size_t i = 0; i < labels.size(); ++i) {
            require(labels[i] >= 0 && std::size_t(labels[i]) < classes, "TopK: label ", labels[i],
                    " at sample ", i, ", expected 0 to ", classes - 1);
            correct_ += in_top_k(scores.subspan(i * classes, classes), labels[i], k_);
        }
        total_ += static_cast<Index>(labels.size());
    }
    template <class T>
    void add(const std::vector<T>& scores, const std::vector<int>& labels) {
        add(std::span<const T>(scores), std::span<const int>(labels));
    }

    int k() const { return k_; }
    Index correct() const { return correct_; }
    Index total() const { return total_; }
    /// Between 0 and 1; 0 when nothing was added.
    double accuracy() const { return total_ ? double(correct_) / double(total_) : 0.0; }

private:
    int k_;
    Index correct_ = 0;
    Index total_ = 0;
};

}  // namespace tessera
