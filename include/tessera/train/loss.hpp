// SPDX-License-Identifier: MIT
// Losses: what a trainer minimises. Each says what its targets are and gives the mean over the
// batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/view.hpp"
#include "tessera/train/loss_memory.hpp"

namespace tessera {

/// The mean loss of a batch, for those who want nothing but the number (and the gradient, unless it
/// is null). Throws Error as the loss does.
template <class Backend, class Loss, class T, class Memory>
double loss_value(const Loss& loss, const View<const T, Memory>& scores,
                  std::span<const typename Loss::Target> targets, T* gradient = nullptr) {
    LossMemory<Memory> memory;
    loss.template operator()<Backend>(scores, targets, gradient, memory);
    return memory.value();
}

/// -log softmax(x)[label], times class_weights[label] when given. One label a sample (a row of the
/// map, for a fully convolutional network); a label of -1 leaves the row out. The mean is over the
/// rows that count, not over their weights. Takes scores, not probabilities: a Trainer leaves a
/// final Softmax out.
struct SoftmaxCrossEntropy {
    using Target = std::int32_t;
    static constexpr bool takes_scores = true;

    std::vector<float> class_weights{};

    static Index targets(int batch, Shape scores) { return batch * scores.area(); }
    /// The loss of a guess: ln(classes). Where training is stuck.
    static double chance(Shape scores) { return std::log(static_cast<double>(scores.channels)); }

    template <class Backend, class T, class Memory>
    void operator()(const View<const T, Memory>& scores, std::span<const Target> labels,
                    T* gradient, LossMemory<Memory>& memory) const {
        const auto rows = static_cast<Index>(labels.size());
        const int classes = scores.shape.channels;
        require(class_weights.empty() || static_cast<int>(class_weights.size()) == classes,
                "softmax cross-entropy: found ", class_weights.size(), " class weights, expected ",
                classes);
        Index counted = 0;
        for (Index row = 0; row < rows; ++row) {
            const Target label = labels[static_cast<std::size_t>(row)];
            require(label >= -1 && label < classes, "softmax cross-entropy: the label of row ", row,
                    " is ", label, ", expected -1 to ", classes - 1);
            counted += label != -1;
        }
        const double scale = 1.0 / static_cast<double>(std::max<Index>(counted, 1));
        const Target* const label = memory.targets(labels);
        const float* const weight = memory.factors(class_weights);
        Backend::Loss::softmax_cross_entropy(rows, classes, scores.data, label, weight, scale,
                                             memory.losses(rows, scale), gradient);
    }
};

/// Sum over the classes of log(1 + exp(-y x)) with y = +1 or -1, and 0 for a label left out (VOC's
/// "difficult"). Targets: batch x classes. (Oquab et al., CVPR 2015.)
struct MultiLabelLogistic {
    using Target = std::int8_t;
    static constexpr bool takes_scores = true;

    static Index targets(int batch, Shape scores) { return batch * scores.size(); }
    static double chance(Shape scores) {
        return std::log(2.0) * static_cast<double>(scores.size());
    }

    template <class Backend, class T, class Memory>
    void operator()(const View<const T, Memory>& scores, std::span<const Target> signs, T* gradient,
                    LossMemory<Memory>& memory) const {
        for (const Target sign : signs) {
            require(sign >= -1 && sign <= 1, "multi-label loss: found target ", int{sign},
                    ", expected 1, -1, or 0 for a label left out");
        }
        const double scale = 1.0 / scores.batch;
        const Target* const sign = memory.targets(signs);
        Backend::Loss::multi_label_logistic(scores.batch, scores.shape.size(), scores.data, sign,
                                            scale, memory.losses(scores.batch, scale), gradient);
    }
};

/// Half the squared distance, summed over a sample. Targets: the values themselves.
template <class T = float>
struct SquaredError {
    using Target = T;
    static constexpr bool takes_scores = false;

    static Index targets(int batch, Shape outputs) { return batch * outputs.size(); }
    static double chance(Shape) { return std::nan(""); }

    template <class Backend, class Memory>
    void operator()(const View<const T, Memory>& outputs, std::span<const Target> targets,
                    T* gradient, LossMemory<Memory>& memory) const {
        const double scale = 1.0 / outputs.batch;
        const Target* const target = memory.targets(targets);
        Backend::Loss::squared_error(outputs.batch, outputs.shape.size(), outputs.data, target,
                                     scale, memory.losses(outputs.batch, scale), gradient);
    }
};

}  // namespace tessera
