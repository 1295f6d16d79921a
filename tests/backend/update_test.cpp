// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "oracle.hpp"
#include "tables.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE_TEMPLATE("each form of momentum takes the step worked out by hand", Table, Reference,
                   TESSERA_TABLES) {
    // gradient 2 * 3 + 0.5 * 4 = 8, velocity before 10
    const double g = 3;
    struct Case {
        Momentum form;
        double v, w;
    };
    for (const Case& c :
         {Case{Momentum::krizhevsky, 5 - 0.8, 4 + 4.2}, Case{Momentum::classic, 5 + 8, 4 - 1.3},
          Case{Momentum::nesterov, 13, 4 - 0.1 * (8 + 6.5)}}) {
        double v = 10, w = 4;
        Table::Update::sgd(1, {c.form, 0.1, 0.5, 0.5, 2}, &g, &v, &w);
        CHECK(v == doctest::Approx(c.v));
        CHECK(w == doctest::Approx(c.w));
    }
}

TEST_CASE_TEMPLATE("the first AdamW step is the rate times the sign, after decay", Table, Reference,
                   TESSERA_TABLES) {
    const Values g{3, -0.001, 0};
    Values m(3), v(3), w{1, 1, 1};
    Table::Update::adamw(3, {.rate = 0.1, .decay = 0.5, .gradient_scale = 2}, g.data(), m.data(),
                         v.data(), w.data());
    CHECK(difference(w, {0.85, 1.05, 0.95}) < 1e-4);
    CHECK(difference(m, {0.6, -0.0002, 0}) < 1e-12);
    CHECK(difference(v, {0.036, 4e-9, 0}) < 1e-12);
}

TEST_CASE_TEMPLATE("updates agree with the reference over several steps", Table, TESSERA_TABLES) {
    Random random({.seed = 1});
    for (const Index n : {1, 16, 1000, 1030, 40003}) {
        for (const int count : {1, 2, 4}) {
            const Threads threads(count);
            for (const Momentum form :
                 {Momentum::krizhevsky, Momentum::classic, Momentum::nesterov}) {
                auto v = random_values<float>(random, n), w = random_values<float>(random, n);
                Values wide_v = widened(v), wide_w = widened(w);
                for (int step = 0; step < 3; ++step) {
                    const auto g = random_values<float>(random, n);
                    const SgdStep sgd{form, 0.05, 0.9, 0.01, 0.25};
                    Table::Update::sgd(n, sgd, g.data(), v.data(), w.data());
                    reference::Update::sgd(n, sgd, widened(g).data(), wide_v.data(), wide_w.data());
                }
                CHECK(difference(v, wide_v) < tolerance);
                CHECK(difference(w, wide_w) < tolerance);
            }
            std::vector<float> m(static_cast<std::size_t>(n)), v = m;
            auto w = random_values<float>(random, n);
            Values wide_m(m.size()), wide_v = wide_m, wide_w = widened(w);
            for (long step = 1; step <= 3; ++step) {
                const auto g = random_values<float>(random, n);
                const AdamWStep adam{.gradient_scale = 0.5, .step = step};
                Table::Update::adamw(n, adam, g.data(), m.data(), v.data(), w.data());
                reference::Update::adamw(n, adam, widened(g).data(), wide_m.data(), wide_v.data(),
                                         wide_w.data());
            }
            CHECK(difference(m, wide_m) < tolerance);
            CHECK(difference(v, wide_v) < tolerance);
            CHECK(difference(w, wide_w) < tolerance);
        }
    }
}

TEST_CASE_TEMPLATE("an update leaves the new weights in bfloat16 as well", Table, HostedCuda,
                   UnalignedCuda) {
    Random random({.seed = 2});
    for (const Index n : {1, 16, 1030}) {
        const auto g = random_values<float>(random, n);
        auto m = random_values<float>(random, n), v = random_values<float>(random, n, 0, 1);
        auto w = random_values<float>(random, n);
        auto same_m = m, same_v = v, same_w = w;
        auto working = unwritten<Bf16>(n);
        const SgdStep sgd{.form = Momentum::nesterov, .decay = 0.01};
        Table::Update::sgd(n, sgd, g.data(), m.data(), w.data(), working.data());
        Table::Update::sgd(n, sgd, g.data(), same_m.data(), same_w.data());
        CHECK(w == same_w);
        CHECK(working == converted<Bf16>(w));
        working = unwritten<Bf16>(n);
        Table::Update::adamw(n, {}, g.data(), m.data(), v.data(), w.data(), working.data());
        Table::Update::adamw(n, {}, g.data(), same_m.data(), same_v.data(), same_w.data());
        CHECK(w == same_w);
        CHECK(working == converted<Bf16>(w));
    }
}
