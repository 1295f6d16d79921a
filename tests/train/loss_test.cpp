// SPDX-License-Identifier: MIT
// Losses: what counts, what is left out, what guessing costs, and gradients by differences.
#include "tessera/train/loss.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "files.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/reference/reference.hpp"
#include "tessera/core/random.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

template <class Backend, class Loss, class T>
double value(const Loss& loss, const std::vector<T>& scores, Shape shape,
             const std::vector<typename Loss::Target>& targets, T* gradient = nullptr) {
    const int batch = static_cast<int>(static_cast<Index>(scores.size()) / shape.size());
    return loss_value<Backend>(loss, View<const T>{scores.data(), batch, shape},
                               std::span<const typename Loss::Target>(targets), gradient);
}

template <class Backend, class Loss>
void check_gradient(const Loss& loss, Shape shape, int batch,
                    const std::vector<typename Loss::Target>& targets) {
    Random random({.seed = 4});
    std::vector<double> scores(static_cast<std::size_t>(batch * shape.size()));
    for (double& score : scores) score = random.uniform(-2, 2);
    std::vector<double> gradient(scores.size(), NAN);
    value<Backend>(loss, scores, shape, targets, gradient.data());
    for (std::size_t i = 0; i < scores.size(); ++i) {
        auto moved = scores;
        const double h = 1e-5;
        moved[i] += h;
        const double above = value<Backend>(loss, moved, shape, targets);
        moved[i] -= 2 * h;
        const double below = value<Backend>(loss, moved, shape, targets);
        CHECK(gradient[i] == doctest::Approx((above - below) / (2 * h)).epsilon(1e-6));
    }
}

constexpr Shape five{5, 1, 1};

}  // namespace

TEST_CASE("guessing costs what chance says") {
    const std::vector<double> flat(3 * 5, 0.25);
    CHECK(SoftmaxCrossEntropy::chance(five) == doctest::Approx(std::log(5.0)));
    CHECK(value<Cpu>(SoftmaxCrossEntropy{}, flat, five, {0, 4, 2}) ==
          doctest::Approx(SoftmaxCrossEntropy::chance(five)));
    const std::vector<double> none(2 * 5, 0.0);
    const std::vector<std::int8_t> signs{1, -1, -1, 1, 1, -1, -1, 1, -1, 1};
    CHECK(MultiLabelLogistic::chance(five) == doctest::Approx(5 * std::log(2.0)));
    CHECK(value<Cpu>(MultiLabelLogistic{}, none, five, signs) ==
          doctest::Approx(MultiLabelLogistic::chance(five)));
    CHECK(std::isnan(SquaredError<>::chance(five)));
}

TEST_CASE("a row of label -1 has neither loss nor gradient, nor does it count") {
    const std::vector<double> scores{1, 2, 3, 4, 5, 9, 9, 0, 0, 0, 5, 4, 3, 2, 1};
    const std::vector<double> outer{1, 2, 3, 4, 5, 5, 4, 3, 2, 1};
    std::vector<double> gradient(15, NAN), short_gradient(10, NAN);
    const double with =
        value<Cpu>(SoftmaxCrossEntropy{}, scores, five, {1, -1, 0}, gradient.data());
    const double without =
        value<Cpu>(SoftmaxCrossEntropy{}, outer, five, {1, 0}, short_gradient.data());
    CHECK(with == doctest::Approx(without));
    for (std::size_t c = 0; c < 5; ++c) {
        CHECK(gradient[c] == doctest::Approx(short_gradient[c]));
        CHECK(gradient[5 + c] == 0);
        CHECK(gradient[10 + c] == doctest::Approx(short_gradient[5 + c]));
    }
    std::ranges::fill(gradient, NAN);
    CHECK(value<Cpu>(SoftmaxCrossEntropy{}, scores, five, {-1, -1, -1}, gradient.data()) == 0);
    for (double g : gradient) CHECK(g == 0);
}

TEST_CASE("a class weight multiplies the loss and the gradient of its label's rows") {
    const std::vector<double> scores{1, 2, 3, 4, 5, 5, 4, 3, 2, 1};
    const SoftmaxCrossEntropy weighted{{1, 3, 1, 1, 0.5}};
    const auto single = [&](std::size_t row, std::int32_t label) {
        return value<Cpu>(SoftmaxCrossEntropy{},
                          std::vector(scores.begin() + static_cast<long>(row) * 5,
                                      scores.begin() + static_cast<long>(row) * 5 + 5),
                          five, {label});
    };
    CHECK(value<Cpu>(weighted, scores, five, {1, 4}) ==
          doctest::Approx((3 * single(0, 1) + 0.5 * single(1, 4)) / 2));
    const std::string message = message_of([&] {
        value<Cpu>(SoftmaxCrossEntropy{{1, 2}}, scores, five, {1, 4});
    });
    CHECK(has(message, "found 2 class weights, expected 5"));
}

TEST_CASE("a label that is no class is an Error that names it") {
    const std::vector<float> scores(10, 0.0f);
    for (std::int32_t label : {5, -2, 1'000'000}) {
        for (const std::string& message :
             {message_of([&] {
                  value<Cpu>(SoftmaxCrossEntropy{}, scores, five, {0, label});
              }),
              message_of([&] {
                  value<Reference>(SoftmaxCrossEntropy{}, scores, five, {0, label});
              })}) {
            CHECK(has(message, text("the label of row 1 is ", label, ", expected -1 to 4")));
        }
    }
}

TEST_CASE("a label left out of the multi-label loss leaves no trace") {
    const std::vector<double> scores{0.5, -1, 2, 700, -700};
    std::vector<double> gradient(5, NAN);
    const double loss =
        value<Cpu>(MultiLabelLogistic{}, scores, five, {1, -1, 0, 1, -1}, gradient.data());
    CHECK(loss == doctest::Approx(std::log1p(std::exp(-0.5)) + std::log1p(std::exp(-1.0))));
    CHECK(gradient[2] == 0);
    CHECK(gradient[0] == doctest::Approx(-1 / (1 + std::exp(0.5))));
    CHECK(value<Cpu>(MultiLabelLogistic{}, scores, five, {-1, 1, 0, -1, 1}) ==
          doctest::Approx(1400 + std::log1p(std::exp(0.5)) + std::log1p(std::exp(1.0))));
}

TEST_CASE("gradients are the slopes of the values") {
    const SoftmaxCrossEntropy weighted{{1, 3, 1, 0.25, 2}};
    check_gradient<Reference>(weighted, five, 4, {1, 0, -1, 4});
    check_gradient<Cpu>(weighted, five, 4, {1, 0, -1, 4});
    check_gradient<Cpu>(SoftmaxCrossEntropy{}, {3, 2, 2}, 1, {1, 0, -1, 2});
    check_gradient<Reference>(MultiLabelLogistic{}, {3, 1, 1}, 2, {1, -1, 0, 0, 1, 1});
    check_gradient<Cpu>(MultiLabelLogistic{}, {3, 1, 1}, 2, {1, -1, 0, 0, 1, 1});
    check_gradient<Cpu>(SquaredError<double>{}, {3, 1, 1}, 2, {0.5, 1, -2, 0, 3, 1});
}

namespace {

/// |x - t|, summed over a sample.
struct AbsoluteError {
    using Target = float;
    [[maybe_unused]] static constexpr bool takes_scores = false;
    static Index targets(int batch, Shape outputs) { return batch * outputs.size(); }
    static double chance(Shape) { return NAN; }

    template <class Backend, class T>
    void operator()(const View<const T>& outputs, std::span<const Target> targets, T* gradient,
                    LossMemory<HostMemory>& memory) const {
        const double scale = 1.0 / outputs.batch;
        double* losses = memory.losses(outputs.size(), scale);
        for (Index i = 0; i < outputs.size(); ++i) {
            const double apart = outputs[i] - targets[static_cast<std::size_t>(i)];
            losses[i] = std::abs(apart);
            if (gradient) gradient[i] = static_cast<T>(apart > 0 ? scale : -scale);
        }
    }
};

}  // namespace

TEST_CASE("a loss from outside the library has a value and a gradient") {
    const std::vector<double> outputs{1, 5, 2, 0.5};
    std::vector<double> gradient(4, NAN);
    CHECK(value<Cpu>(AbsoluteError{}, outputs, {2, 1, 1}, {0, 7, 2.5F, 0}, gradient.data()) == 2);
    CHECK(gradient == std::vector<double>{0.5, -0.5, -0.5, 0.5});
}
