// SPDX-License-Identifier: MIT
// Evaluation: loss and top-k of a model over a set, without learning.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "tessera/metric/top_k.hpp"
#include "tessera/train/trainer.hpp"

namespace tessera {

/// Means over the samples seen.
struct Evaluation {
    double loss = 0;
    double top1 = 0;  ///< fraction whose label has the highest score
    double top5 = 0;  ///< fraction whose label is among the five highest
    long samples = 0;
};

/// One batch of a source, in memory the source owns until the next one. The input may lie in the
/// memory of the model's backend.
template <class T, class Target, class Memory = HostMemory>
struct Batch {
    View<const T, Memory> input{};
    std::span<const Target> targets{};
};

/// Adds the batches of an evaluation up.
class EvaluationSum {
public:
    /// `scores` has one row a label; a label of -1 is left out.
    template <class T>
    void add(const View<const T>& scores, std::span<const std::int32_t> labels, double mean_loss) {
        const auto classes = static_cast<std::size_t>(scores.shape.channels);
        for (std::size_t row = 0; row < labels.size(); ++row) {
            if (labels[row] < 0) continue;
            const std::span<const T> own(scores.data + row * classes, classes);
            sum_.top1 += in_top_k(own, labels[row], 1);
            sum_.top5 += in_top_k(own, labels[row], 5);
            sum_.loss += mean_loss;
            ++sum_.samples;
        }
    }
    Evaluation mean() const {
        Evaluation result = sum_;
        if (result.samples == 0) return result;
        const auto n = static_cast<double>(result.samples);
        result.loss /= n;
        result.top1 /= n;
        result.top5 /= n;
        return result;
    }

private:
    Evaluation sum_;
};

/// Runs a scoring model (Trainer::model()) over every batch of a source: next(batch) returns false
/// after the last one. The loss is the one trained with, dropout is off. `batch` is what next()
/// gets: a source of batches on the device takes a Batch of the device's memory.
template <class ModelType, class Loss, class Next,
          class BatchType = Batch<typename ModelType::Number, typename Loss::Target>>
Evaluation evaluate(const ModelType& model, typename ModelType::Workspace& workspace,
                    const Loss& loss, Next next, BatchType batch = {}) {
    using T = typename ModelType::Element;
    static_assert(std::is_same_v<typename Loss::Target, std::int32_t>,
                  "tessera: evaluate counts right labels, so its loss has one label a sample");
    require(workspace.mode() == Mode::inference,
            "evaluate: the workspace is for training, expected one for inference");
    EvaluationSum sum;
    LossMemory<typename ModelType::Memory> memory;
    while (next(batch)) {
        const auto scores = model.forward(workspace, batch.input);
        const Index expected = Loss::targets(scores.batch, scores.shape);
        require(static_cast<Index>(batch.targets.size()) == expected, "evaluate: found ",
                batch.targets.size(), " targets for ", batch.input.batch, " samples, expected ",
                expected);
        loss.template operator()<typename ModelType::BackendType>(scores, batch.targets,
                                                                  static_cast<T*>(nullptr), memory);
        sum.add(View<const T>(to_host(scores)), batch.targets, memory.value());
    }
    return sum.mean();
}

}  // namespace tessera
