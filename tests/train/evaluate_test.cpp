// SPDX-License-Identifier: MIT
// Evaluation: means over the samples, ties, labels left out.
#include "tessera/train/evaluate.hpp"

#include <doctest/doctest.h>

#include "train/toy.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("top-1 and top-5 count scores above the label's, and ties against it") {
    const std::vector<float> scores{
        7, 1, 2, 3, 4, 5, 6,  // label 0: first
        7, 1, 2, 3, 4, 5, 6,  // label 3: fifth
        7, 1, 2, 3, 4, 5, 6,  // label 2: sixth
        7, 1, 2, 3, 4, 5, 6,  // label 1: last
        2, 2, 0, 0, 0, 0, 0,  // label 0: a tie
        7, 1, 2, 3, 4, 5, 6,  // left out
    };
    const std::vector<std::int32_t> labels{0, 3, 2, 1, 0, -1};
    EvaluationSum sum;
    sum.add(View<const float>{scores.data(), 6, {7, 1, 1}}, labels, 0.5);
    const Evaluation result = sum.mean();
    CHECK(result.samples == 5);
    CHECK(result.top1 == doctest::Approx(1.0 / 5));
    CHECK(result.top5 == doctest::Approx(3.0 / 5));
    CHECK(result.loss == doctest::Approx(0.5));
}

TEST_CASE("scores that are not numbers are never right, and no sample is no mean") {
    const std::vector<float> scores(4, NAN);
    const std::vector<std::int32_t> label{2};
    EvaluationSum sum;
    CHECK(sum.mean().samples == 0);
    CHECK(sum.mean().loss == 0);
    sum.add(View<const float>{scores.data(), 1, {4, 1, 1}}, label, 1);
    CHECK(sum.mean().top1 == 0);
}

TEST_CASE("an evaluation does not depend on how the set is cut into batches") {
    const ToyData data = toy_data(22);
    const ToyModel model = toy_model();
    auto workspace = model.workspace(22);
    const auto run = [&](int size) {
        ToySource source(data, size);
        source.start(0, 0);
        return evaluate(model, workspace, SoftmaxCrossEntropy{},
                        [&](auto& batch) { return source.next(batch); });
    };
    const Evaluation whole = run(22), parts = run(5);
    CHECK(whole.samples == 22);
    CHECK(parts.samples == 22);
    CHECK(parts.loss == doctest::Approx(whole.loss));
    CHECK(parts.top1 == whole.top1);
    CHECK(parts.top5 == 1);
    const Evaluation again = run(22);
    CHECK(again.loss == whole.loss);
}
