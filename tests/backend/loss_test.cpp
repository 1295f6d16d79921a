// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "oracle.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/reference/reference.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE_TEMPLATE("softmax cross-entropy gives known values", Table, Reference, Cpu) {
    const Values x{0, 0, 0, 0, 1000, 0, 5, 5}, weights{2, 10};
    const std::vector<std::int32_t> labels{1, 0, 1, -1};
    Values dx(8, 99);
    const double loss = Table::Loss::softmax_cross_entropy(4, 2, x.data(), labels.data(),
                                                           weights.data(), 0.5, dx.data());
    CHECK(loss == doctest::Approx(12 * std::log(2.0) + 10 * 1000));
    CHECK(difference(dx, {2.5, -2.5, -0.5, 0.5, 5, -5, 0, 0}) < 1e-12);
}

TEST_CASE_TEMPLATE("softmax cross-entropy refuses a label that is no class", Table, Reference,
                   Cpu) {
    const std::vector<float> x(6);
    const std::vector<std::int32_t> labels{0, 3};
    CHECK_THROWS_WITH_AS(
        Table::Loss::softmax_cross_entropy(2, 3, x.data(), labels.data(), nullptr, 1, nullptr),
        "softmax cross-entropy: the label of row 1 is 3, expected -1 to 2", Error);
}

TEST_CASE_TEMPLATE("logistic loss gives known values and leaves sign 0 out", Table, Reference,
                   Cpu) {
    const Values x{0, 5, -800, 800};
    const std::vector<std::int8_t> signs{1, 0, 1, 1};
    Values dx(4, 99);
    const double loss =
        Table::Loss::multi_label_logistic(2, 2, x.data(), signs.data(), 2, dx.data());
    CHECK(loss == doctest::Approx(std::log(2.0) + 800));
    CHECK(difference(dx, {-1, 0, -2, 0}) < 1e-12);
}

TEST_CASE_TEMPLATE("squared error gives known values", Table, Reference, Cpu) {
    const Values x{1, 2, 3}, target{1, 0, 6};
    Values dx(3, 99);
    CHECK(Table::Loss::squared_error(3, x.data(), target.data(), 10, dx.data()) == 6.5);
    CHECK(dx == Values{0, 20, -30});
}

TEST_CASE_TEMPLATE("every loss passes a gradient check", Table, Reference, Cpu) {
    Random random({.seed = 1});
    auto x = random_values<double>(random, 20, -3, 3);
    const auto target = random_values<double>(random, 20),
               weights = random_values<double>(random, 5);
    const std::vector<std::int32_t> labels{4, -1, 0, 2};
    std::vector<std::int8_t> signs(20);
    for (auto& sign : signs) sign = static_cast<std::int8_t>(between(random, -1, 1));
    Values dx(20);
    const auto check = [&](const auto& loss) {
        loss(dx.data());
        CHECK(gradient_error(x, dx, [&] { return loss(nullptr); }) < 1e-6);
    };
    using Loss = typename Table::Loss;
    check([&](double* to) {
        return Loss::softmax_cross_entropy(4, 5, x.data(), labels.data(), weights.data(), 1, to);
    });
    check([&](double* to) {
        return Loss::softmax_cross_entropy(4, 5, x.data(), labels.data(), nullptr, 1, to);
    });
    check([&](double* to) {
        return Loss::multi_label_logistic(4, 5, x.data(), signs.data(), 1, to);
    });
    check([&](double* to) { return Loss::squared_error(20, x.data(), target.data(), 1, to); });
}

TEST_CASE_TEMPLATE("losses agree with the reference, bits repeat on any number of threads", Table,
                   Cpu) {
    Random random({.seed = 2});
    for (int round = 0; round < 20; ++round) {
        const Index rows = between(random, 1, 200), classes = between(random, 1, 100);
        const Index n = rows * classes;
        const auto x = random_values<float>(random, n, -20, 20);
        const auto target = random_values<float>(random, n);
        const auto weights = random_values<float>(random, classes, 0, 2);
        std::vector<std::int32_t> labels(static_cast<std::size_t>(rows));
        for (auto& label : labels) label = between(random, -1, static_cast<int>(classes) - 1);
        std::vector<std::int8_t> signs(x.size());
        for (auto& sign : signs) sign = static_cast<std::int8_t>(between(random, -1, 1));
        const double scale = 1.0 / static_cast<double>(rows);
        const Values wide = widened(x), wide_weights = widened(weights);
        const Values wide_target = widened(target);

        Values bits;
        for (const int count : {1, 2, 4}) {
            const Threads threads(count);
            auto dx = unwritten<float>(n);
            Values expected(dx.size()), sums;
            const auto check = [&](double loss, double expected_loss) {
                sums.push_back(loss);
                CHECK(loss == doctest::Approx(expected_loss).epsilon(tolerance));
                CHECK(difference(dx, expected) < tolerance);
                dx = unwritten<float>(n);
            };
            using Loss = typename Table::Loss;
            check(Loss::softmax_cross_entropy(rows, classes, x.data(), labels.data(),
                                              weights.data(), scale, dx.data()),
                  reference::Loss::softmax_cross_entropy(rows, classes, wide.data(), labels.data(),
                                                         wide_weights.data(), scale,
                                                         expected.data()));
            check(
                Loss::multi_label_logistic(rows, classes, x.data(), signs.data(), scale, dx.data()),
                reference::Loss::multi_label_logistic(rows, classes, wide.data(), signs.data(),
                                                      scale, expected.data()));
            check(Loss::squared_error(n, x.data(), target.data(), scale, dx.data()),
                  reference::Loss::squared_error(n, wide.data(), wide_target.data(), scale,
                                                 expected.data()));
            if (count == 1) bits = sums;
            CHECK(sums == bits);
        }
    }
}
