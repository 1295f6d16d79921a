// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <numeric>

#include "oracle.hpp"
#include "tables.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

/// The ops with the sum of their rows as result.
template <class Table>
struct Summed {
    template <class T>
    static double softmax_cross_entropy(Index rows, Index classes, const T* x,
                                        const std::int32_t* labels, const float* class_weights,
                                        double scale, T* dx) {
        auto losses = unwritten<double>(rows);
        Table::Loss::softmax_cross_entropy(rows, classes, x, labels, class_weights, scale,
                                           losses.data(), dx);
        return sum(losses);
    }
    template <class T>
    static double multi_label_logistic(Index rows, Index classes, const T* x,
                                       const std::int8_t* signs, double scale, T* dx) {
        auto losses = unwritten<double>(rows);
        Table::Loss::multi_label_logistic(rows, classes, x, signs, scale, losses.data(), dx);
        return sum(losses);
    }
    template <class T>
    static double squared_error(Index rows, Index columns, const T* x, const T* target,
                                double scale, T* dx) {
        auto losses = unwritten<double>(rows);
        Table::Loss::squared_error(rows, columns, x, target, scale, losses.data(), dx);
        return sum(losses);
    }

private:
    static double sum(const Values& losses) {
        return std::accumulate(losses.begin(), losses.end(), 0.0);
    }
};

}  // namespace

TEST_CASE_TEMPLATE("softmax cross-entropy gives known values", Table, Reference, TESSERA_TABLES) {
    const Values x{0, 0, 0, 0, 1000, 0, 5, 5};
    const std::vector<float> weights{2, 10};
    const std::vector<std::int32_t> labels{1, 0, 1, -1};
    Values dx(8, 99), losses(4, 99);
    Table::Loss::softmax_cross_entropy(4, 2, x.data(), labels.data(), weights.data(), 0.5,
                                       losses.data(), dx.data());
    CHECK(difference(losses, {10 * std::log(2.0), 2 * std::log(2.0), 10 * 1000, 0}) < 1e-15);
    CHECK(difference(dx, {2.5, -2.5, -0.5, 0.5, 5, -5, 0, 0}) < 1e-12);
}

TEST_CASE_TEMPLATE("logistic loss gives known values and leaves sign 0 out", Table, Reference,
                   TESSERA_TABLES) {
    const Values x{0, 5, -800, 800};
    const std::vector<std::int8_t> signs{1, 0, 1, 1};
    Values dx(4, 99), losses(2, 99);
    Table::Loss::multi_label_logistic(2, 2, x.data(), signs.data(), 2, losses.data(), dx.data());
    CHECK(difference(losses, {std::log(2.0), 800}) < 1e-15);
    CHECK(difference(dx, {-1, 0, -2, 0}) < 1e-12);
}

TEST_CASE_TEMPLATE("squared error gives known values", Table, Reference, TESSERA_TABLES) {
    const Values x{1, 2, 3, 4}, target{1, 0, 6, 4};
    Values dx(4, 99), losses(2, 99);
    Table::Loss::squared_error(2, 2, x.data(), target.data(), 10, losses.data(), dx.data());
    CHECK(losses == Values{2, 4.5});
    CHECK(dx == Values{0, 20, -30, 0});
}

TEST_CASE_TEMPLATE("every loss passes a gradient check", Table, Reference, TESSERA_TABLES) {
    Random random({.seed = 1});
    auto x = random_values<double>(random, 20, -3, 3);
    const auto target = random_values<double>(random, 20);
    const auto weights = random_values<float>(random, 5);
    const std::vector<std::int32_t> labels{4, -1, 0, 2};
    std::vector<std::int8_t> signs(20);
    for (auto& sign : signs) sign = static_cast<std::int8_t>(between(random, -1, 1));
    Values dx(20);
    const auto check = [&](const auto& loss) {
        loss(dx.data());
        CHECK(gradient_error(x, dx, [&] { return loss(nullptr); }) < 1e-6);
    };
    using Loss = Summed<Table>;
    check([&](double* to) {
        return Loss::softmax_cross_entropy(4, 5, x.data(), labels.data(), weights.data(), 1, to);
    });
    check([&](double* to) {
        return Loss::softmax_cross_entropy(4, 5, x.data(), labels.data(), nullptr, 1, to);
    });
    check([&](double* to) {
        return Loss::multi_label_logistic(4, 5, x.data(), signs.data(), 1, to);
    });
    check([&](double* to) { return Loss::squared_error(4, 5, x.data(), target.data(), 1, to); });
}

TEST_CASE_TEMPLATE("losses agree with the reference, bits repeat on any number of threads", Table,
                   TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    Random random({.seed = 2});
    for (int round = 0; round < 20; ++round) {
        const Index rows = between(random, 1, 200), classes = between(random, 1, 100);
        const Index n = rows * classes;
        const auto x = random_values<T>(random, n, -20, 20);
        const auto target = random_values<T>(random, n);
        const auto weights = random_values<float>(random, classes, 0, 2);
        std::vector<std::int32_t> labels(static_cast<std::size_t>(rows));
        for (auto& label : labels) label = between(random, -1, static_cast<int>(classes) - 1);
        std::vector<std::int8_t> signs(x.size());
        for (auto& sign : signs) sign = static_cast<std::int8_t>(between(random, -1, 1));
        const double scale = 1.0 / static_cast<double>(rows);
        const Values wide = widened(x), wide_target = widened(target);

        Values bits;
        for (const int count : {1, 2, 4}) {
            const Threads threads(count);
            auto dx = unwritten<T>(n);
            Values expected(dx.size()), sums;
            const auto check = [&](double loss, double expected_loss) {
                sums.push_back(loss);
                CHECK(loss == doctest::Approx(expected_loss).epsilon(tolerance));
                CHECK(difference(dx, expected) < tolerance);
                dx = unwritten<T>(n);
            };
            using Loss = Summed<Table>;
            using Expected = Summed<Reference>;
            check(Loss::softmax_cross_entropy(rows, classes, x.data(), labels.data(),
                                              weights.data(), scale, dx.data()),
                  Expected::softmax_cross_entropy(rows, classes, wide.data(), labels.data(),
                                                  weights.data(), scale, expected.data()));
            check(
                Loss::multi_label_logistic(rows, classes, x.data(), signs.data(), scale, dx.data()),
                Expected::multi_label_logistic(rows, classes, wide.data(), signs.data(), scale,
                                               expected.data()));
            check(Loss::squared_error(rows, classes, x.data(), target.data(), scale, dx.data()),
                  Expected::squared_error(rows, classes, wide.data(), wide_target.data(), scale,
                                          expected.data()));
            if (count == 1) bits = sums;
            CHECK(sums == bits);
        }
    }
}
