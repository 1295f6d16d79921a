// SPDX-License-Identifier: MIT
// Losses: what a trainer minimises. Each says what its targets are and gives the mean over the
// batch.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/view.hpp"

namespace tessera {

/// -log softmax(x)[label], times class_weights[label] when given. One label a sample (a row of the
/// map, for a fully convolutional network); a label of -1 leaves the row out. The mean is over the
/// rows that count, not over their weights. Takes scores, not probabilities: a Trainer leaves a
/// final Softmax out.
struct SoftmaxCrossEntropy {
    using Target = std::int32_t;
    static constexpr bool takes_scores = true;

    std::vector<float> class_weights{};

    template <class T>
    static Index targets(const View<const T>& scores) {
        return scores.batch * scores.shape.area();
    }
    /// The loss of a guess: ln(classes). Where training is stuck.
    static double chance(Shape scores) { return std::log(static_cast<double>(scores.channels)); }

    template <class Backend, class T>
    double operator()(const View<const T>& scores, std::span<const Target> labels,
                      T* gradient) const {
        const Index rows = targets(scores);
        const int classes = scores.shape.channels;
        Index counted = 0;
        for (Target label : labels) counted += label != -1;
        if (counted == 0) counted = 1;
        require(class_weights.empty() || static_cast<int>(class_weights.size()) == classes,
                "softmax cross-entropy: found ", class_weights.size(), " class weights, expected ",
                classes);
        const T* weight = nullptr;
        if constexpr (std::is_same_v<T, float>) {
            if (!class_weights.empty()) weight = class_weights.data();
        } else if (!class_weights.empty()) {
            // Kept, because a step must not allocate; a thread's own, because the loss is const.
            thread_local std::vector<T> converted;
            converted.assign(class_weights.begin(), class_weights.end());
            weight = converted.data();
        }
        const double scale = 1.0 / static_cast<double>(counted);
        return scale * Backend::Loss::softmax_cross_entropy(rows, classes, scores.data,
                                                            labels.data(), weight, scale, gradient);
    }
};

/// Sum over the classes of log(1 + exp(-y x)) with y = +1 or -1, and 0 for a label left out (VOC's
/// "difficult"). Targets: batch x classes. (Oquab et al., CVPR 2015.)
struct MultiLabelLogistic {
    using Target = std::int8_t;
    static constexpr bool takes_scores = true;

    template <class T>
    static Index targets(const View<const T>& scores) {
        return scores.size();
    }
    static double chance(Shape scores) {
        return std::log(2.0) * static_cast<double>(scores.size());
    }

    template <class Backend, class T>
    double operator()(const View<const T>& scores, std::span<const Target> signs,
                      T* gradient) const {
        for (const Target sign : signs) {
            require(sign >= -1 && sign <= 1, "multi-label loss: found target ", int{sign},
                    ", expected 1, -1, or 0 for a label left out");
        }
        const double scale = 1.0 / scores.batch;
        return scale * Backend::Loss::multi_label_logistic(scores.batch, scores.shape.size(),
                                                           scores.data, signs.data(), scale,
                                                           gradient);
    }
};

/// Half the squared distance, summed over a sample. Targets: the values themselves.
template <class T = float>
struct SquaredError {
    using Target = T;
    static constexpr bool takes_scores = false;

    static Index targets(const View<const T>& outputs) { return outputs.size(); }
    static double chance(Shape) { return std::nan(""); }

    template <class Backend>
    double operator()(const View<const T>& outputs, std::span<const Target> target,
                      T* gradient) const {
        const double scale = 1.0 / outputs.batch;
        return scale * Backend::Loss::squared_error(outputs.size(), outputs.data, target.data(),
                                                    scale, gradient);
    }
};

}  // namespace tessera
