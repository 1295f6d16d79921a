// SPDX-License-Identifier: MIT
// Average precision against a transcription of the devkit's rule, and by hand.
#include "tessera/metric/average_precision.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tessera/core/random.hpp"

using namespace tessera;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct Case {
    std::vector<int> labels;
    std::vector<double> scores;
};

double area(const Case& c) { return average_precision(c.labels, c.scores, ApRule::area).value; }
double eleven(const Case& c) {
    return average_precision(c.labels, c.scores, ApRule::eleven_point).value;
}

/// The devkit line by line: NaN from 0/0 included, and max that passes over NaN as MATLAB's does.
struct Devkit {
    std::vector<double> recall, precision;
    double positives = 0;

    explicit Devkit(const Case& c) {
        std::vector<bool> taken(c.labels.size(), false);
        double tp = 0, fp = 0;
        for (const int label : c.labels) positives += label > 0;
        for (std::size_t n = 0; n < c.labels.size(); ++n) {  // selection sort: stable, descending
            std::size_t best = c.labels.size();
            for (std::size_t i = 0; i < c.labels.size(); ++i) {
                if (!taken[i] && (best == c.labels.size() || c.scores[i] > c.scores[best]))
                    best = i;
            }
            taken[best] = true;
            tp += c.labels[best] > 0;
            fp += c.labels[best] < 0;
            recall.push_back(tp / positives);
            precision.push_back(tp / (fp + tp));
        }
    }
    static double max(double a, double b) {
        if (std::isnan(a)) return b;
        if (std::isnan(b)) return a;
        return a > b ? a : b;
    }
    double area() const {
        std::vector<double> mrec{0}, mpre{0};
        mrec.insert(mrec.end(), recall.begin(), recall.end());
        mpre.insert(mpre.end(), precision.begin(), precision.end());
        mrec.push_back(1);
        mpre.push_back(0);
        for (std::size_t i = mpre.size() - 1; i-- > 0;) mpre[i] = max(mpre[i], mpre[i + 1]);
        double sum = 0;
        for (std::size_t i = 1; i < mrec.size(); ++i) {
            if (mrec[i] != mrec[i - 1]) sum += (mrec[i] - mrec[i - 1]) * mpre[i];
        }
        return sum;
    }
    double eleven() const {
        double sum = 0;
        for (int t = 0; t <= 10; ++t) {
            double best = 0;
            for (std::size_t i = 0; i < recall.size(); ++i) {
                if (recall[i] >= t / 10.0 - 1e-12) best = max(best, precision[i]);
            }
            sum += best / 11;
        }
        return sum;
    }
};

}  // namespace

TEST_CASE("a small ranking by hand") {
    const Case c{{1, -1, 1, -1}, {0.9, 0.8, 0.7, 0.6}};
    CHECK(area(c) == doctest::Approx(0.5 * 1 + 0.5 * 2 / 3));
    CHECK(eleven(c) == doctest::Approx((6 * 1 + 5 * 2 / 3.0) / 11));
    const auto curve = precision_recall(c.labels, c.scores);
    CHECK(curve.precision == std::vector<double>{1, 0.5, 2 / 3.0, 0.5});
    CHECK(curve.recall == std::vector<double>{0.5, 0.5, 1, 1});
    CHECK(curve.score == c.scores);
    CHECK(curve.positives == 2);
}

TEST_CASE("perfect and worst rankings") {
    CHECK(area({{-1, 1, -1, 1}, {1, 4, 2, 3}}) == 1);
    CHECK(eleven({{-1, 1, -1, 1}, {1, 4, 2, 3}}) == doctest::Approx(1));
    CHECK(area({{-1, -1, -1, 1}, {4, 3, 2, 1}}) == doctest::Approx(0.25));
    CHECK(eleven({{-1, -1, -1, 1}, {4, 3, 2, 1}}) == doctest::Approx(0.25));
}

TEST_CASE("random rankings with ties, label 0 and missing scores agree with the devkit's rule") {
    Random random({.seed = 11, .purpose = Purpose::generate});
    for (int trial = 0; trial < 3000; ++trial) {
        Case c;
        const std::uint32_t size = 1 + random.below(40), levels = 1 + random.below(12);
        for (std::uint32_t i = 0; i < size; ++i) {
            c.labels.push_back(static_cast<int>(random.below(3)) - 1);
            const bool missing = random.chance(0.2F);
            c.scores.push_back(missing ? -infinity : double(random.below(levels)) / 4 - 1);
        }
        c.labels[random.below(size)] = 1;
        const Devkit devkit(c);
        CHECK(area(c) == doctest::Approx(devkit.area()).epsilon(1e-12));
        CHECK(eleven(c) == doctest::Approx(devkit.eleven()).epsilon(1e-12));
    }
}

TEST_CASE("recall of exactly t tenths reaches the threshold t") {
    // Ten positives; the third right answer is followed by wrong ones only.
    Case c;
    for (int i = 0; i < 30; ++i) {
        c.labels.push_back(i < 3 || i >= 23 ? 1 : -1);
        c.scores.push_back(-i);
    }
    const auto positives = std::count(c.labels.begin(), c.labels.end(), 1);
    REQUIRE(positives == 10);
    const double tail = 10 / 30.0;  // the best precision beyond
    CHECK(eleven(c) == doctest::Approx((4 * 1 + 7 * tail) / 11).epsilon(1e-12));
}

TEST_CASE("leading label 0 entries change nothing and give no NaN") {
    const Case with{{0, 0, 1, 0, -1, 1}, {9, 8, 7, 6, 5, 4}};
    const Case without{{1, -1, 1}, {7, 5, 4}};
    CHECK(area(with) == area(without));
    CHECK(eleven(with) == eleven(without));
    CHECK(precision_recall(with.labels, with.scores).precision[0] == 0);
}

TEST_CASE("ties stay in list order") {
    CHECK(area({{1, -1}, {0.5, 0.5}}) == 1);
    CHECK(area({{-1, 1}, {0.5, 0.5}}) == 0.5);
}

TEST_CASE("images without a score stay at the end of the ranking") {
    CHECK(area({{1, -1, 1}, {-infinity, 1, 2}}) == doctest::Approx(0.5 + 0.5 * 2 / 3));
    CHECK(area({{1, 1}, {-infinity, -infinity}}) == 1);
}

TEST_CASE("no positives: the value is 0, rests on none, and the mean leaves it out") {
    const auto none = average_precision(std::vector{-1, 0}, std::vector{1.0, 2.0}, ApRule::area);
    CHECK(none.value == 0);
    CHECK(none.positives == 0);
    CHECK(average_precision({}, {}, ApRule::eleven_point).value == 0);
    const std::vector<AveragePrecision> classes{{0.5, 3}, none, {1.0, 1}};
    CHECK(mean_average_precision(classes) == 0.75);
    CHECK(mean_average_precision({}) == 0);
}

TEST_CASE("NaN scores, other labels and sizes that differ are refused") {
    CHECK_THROWS_AS(area({{1, -1}, {1, std::nan("")}}), Error);
    CHECK_THROWS_AS(area({{1, 2}, {1, 1}}), Error);
    CHECK_THROWS_AS(area({{1, -1}, {1}}), Error);
    const std::vector<Outcome> both(2, Outcome::right);
    CHECK_THROWS_AS(precision_recall(both, std::vector{1.0, 2.0}, 1), Error);
}
