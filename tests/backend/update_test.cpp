// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "oracle.hpp"
#include "tables.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

/// The step of momentum for one array.
template <class Table, class T>
void sgd(const SgdStep& step, std::vector<T>& g, std::vector<T>& v, std::vector<T>& w,
         Bf16* working = nullptr) {
    const UpdatePiece<T, 1> piece{.count = static_cast<Index>(w.size()),
                                  .gradient = g.data(),
                                  .state = {v.data()},
                                  .weights = w.data(),
                                  .working = working};
    Table::Update::sgd(std::span(&piece, 1), step);
}

template <class Table, class T>
void adamw(const AdamWStep& step, std::vector<T>& g, std::vector<T>& m, std::vector<T>& v,
           std::vector<T>& w, Bf16* working = nullptr) {
    const UpdatePiece<T, 2> piece{.count = static_cast<Index>(w.size()),
                                  .gradient = g.data(),
                                  .state = {m.data(), v.data()},
                                  .weights = w.data(),
                                  .working = working};
    Table::Update::adamw(std::span(&piece, 1), step);
}

template <class T>
bool all_zero(const std::vector<T>& numbers) {
    return std::all_of(numbers.begin(), numbers.end(), [](T number) { return number == 0; });
}

/// An array of a network and what an optimiser of `States` numbers a weight keeps of it.
template <class T, std::size_t States>
struct Learning {
    std::vector<T> g, w;
    std::array<std::vector<T>, States> state;
    std::vector<Bf16> working;
    double rate, decay;

    Learning(Random& random, Index n)
        : g(random_values<T>(random, n)),
          w(random_values<T>(random, n)),
          working(unwritten<Bf16>(n)),
          rate(random.uniform(0.5, 2)),
          decay(random.uniform(0.5, 2)) {
        for (auto& numbers : state) numbers = random_values<T>(random, n, 0, 1);
    }
    /// The same numbers in another type.
    template <class From>
    explicit Learning(const Learning<From, States>& other)
        : g(converted<T>(other.g)),
          w(converted<T>(other.w)),
          working(other.working),
          rate(other.rate),
          decay(other.decay) {
        for (std::size_t s = 0; s < States; ++s) state[s] = converted<T>(other.state[s]);
    }
    UpdatePiece<T, States> piece() {
        UpdatePiece<T, States> own{.count = static_cast<Index>(w.size()),
                                   .gradient = g.data(),
                                   .weights = w.data(),
                                   .working = working.data(),
                                   .rate = rate,
                                   .decay = decay};
        for (std::size_t s = 0; s < States; ++s) own.state[s] = state[s].data();
        return own;
    }
};

/// Arrays of 1 to 40 numbers and of some thousands, no two of which have the same factors: more
/// than one launch of a GPU takes. All at once they come to what each comes to alone, and to what
/// the reference says.
template <class Table, std::size_t States, class Step>
void check_network(const Step& step) {
    Random random({.seed = 4});
    std::deque<Learning<float, States>> together, apart;
    std::deque<Learning<double, States>> expected;
    std::vector<UpdatePiece<float, States>> pieces;
    for (int i = 0; i < 43; ++i) {
        const Index n = i < 40 ? i + 1 : 1000 * i + i;
        expected.emplace_back(apart.emplace_back(together.emplace_back(random, n)));
        pieces.push_back(together.back().piece());
    }
    step(Table{}, std::span<const UpdatePiece<float, States>>(pieces));
    for (std::size_t i = 0; i < together.size(); ++i) {
        CAPTURE(i);
        const auto alone = apart[i].piece();
        step(Table{}, std::span(&alone, 1));
        CHECK(together[i].w == apart[i].w);
        CHECK(together[i].state == apart[i].state);
        CHECK(all_zero(together[i].g));
        CHECK(together[i].working == converted<Bf16>(together[i].w));
        const auto wide = expected[i].piece();
        step(Reference{}, std::span(&wide, 1));
        CHECK(difference(together[i].w, expected[i].w) < tolerance);
        for (std::size_t s = 0; s < States; ++s) {
            CHECK(difference(together[i].state[s], expected[i].state[s]) < tolerance);
        }
    }
}

}  // namespace

TEST_CASE_TEMPLATE("each form of momentum takes the step worked out by hand", Table, Reference,
                   TESSERA_TABLES) {
    // gradient 2 * 3 + 0.5 * 4 = 8, velocity before 10
    struct Case {
        Momentum form;
        double v, w;
    };
    for (const Case& c :
         {Case{Momentum::krizhevsky, 5 - 0.8, 4 + 4.2}, Case{Momentum::classic, 5 + 8, 4 - 1.3},
          Case{Momentum::nesterov, 13, 4 - 0.1 * (8 + 6.5)}}) {
        Values g{3}, v{10}, w{4};
        sgd<Table>({c.form, 0.1, 0.5, 0.5, 2}, g, v, w);
        CHECK(v[0] == doctest::Approx(c.v));
        CHECK(w[0] == doctest::Approx(c.w));
        CHECK(g[0] == 0);
    }
}

TEST_CASE_TEMPLATE("the first AdamW step is the rate times the sign, after decay", Table, Reference,
                   TESSERA_TABLES) {
    Values g{3, -0.001, 0}, m(3), v(3), w{1, 1, 1};
    adamw<Table>({.rate = 0.1, .decay = 0.5, .gradient_scale = 2}, g, m, v, w);
    CHECK(difference(w, {0.85, 1.05, 0.95}) < 1e-4);
    CHECK(difference(m, {0.6, -0.0002, 0}) < 1e-12);
    CHECK(difference(v, {0.036, 4e-9, 0}) < 1e-12);
    CHECK(all_zero(g));
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
                    auto g = random_values<float>(random, n);
                    Values wide_g = widened(g);
                    const SgdStep numbers{form, 0.05, 0.9, 0.01, 0.25};
                    sgd<Table>(numbers, g, v, w);
                    sgd<Reference>(numbers, wide_g, wide_v, wide_w);
                    CHECK(all_zero(g));
                }
                CHECK(difference(v, wide_v) < tolerance);
                CHECK(difference(w, wide_w) < tolerance);
            }
            std::vector<float> m(static_cast<std::size_t>(n)), v = m;
            auto w = random_values<float>(random, n);
            Values wide_m(m.size()), wide_v = wide_m, wide_w = widened(w);
            for (long step = 1; step <= 3; ++step) {
                auto g = random_values<float>(random, n);
                Values wide_g = widened(g);
                const AdamWStep numbers{.gradient_scale = 0.5, .step = step};
                adamw<Table>(numbers, g, m, v, w);
                adamw<Reference>(numbers, wide_g, wide_m, wide_v, wide_w);
                CHECK(all_zero(g));
            }
            CHECK(difference(m, wide_m) < tolerance);
            CHECK(difference(v, wide_v) < tolerance);
            CHECK(difference(w, wide_w) < tolerance);
        }
    }
}

TEST_CASE_TEMPLATE("the arrays of a network at once come to what each comes to alone", Table,
                   TESSERA_TABLES) {
    for (const Momentum form : {Momentum::krizhevsky, Momentum::classic, Momentum::nesterov}) {
        check_network<Table, 1>([&]<class Any>(Any, auto pieces) {
            Any::Update::sgd(pieces, SgdStep{form, 0.05, 0.9, 0.01, 0.25});
        });
    }
    check_network<Table, 2>([]<class Any>(Any, auto pieces) {
        Any::Update::adamw(pieces, AdamWStep{.gradient_scale = 0.5, .step = 2});
    });
}

TEST_CASE("arrays that begin anywhere in one block are updated and nothing between them") {
    Random random({.seed = 5});
    constexpr Index extent = 1200;
    // Gradient, velocity and weights of an array begin at whole 16 bytes, but in three of four
    // arrays one of them does not.
    std::vector<float> blocks[3], before[3];
    for (auto& block : blocks) block = random_values<float>(random, extent);
    for (int b = 0; b < 3; ++b) before[b] = blocks[b];
    DeviceArrays<0> device;
    float* there[3];
    for (int b = 0; b < 3; ++b) there[b] = device.change(blocks[b].data(), extent);
    std::vector<UpdatePiece<float, 1>> pieces;
    const SgdStep step{.rate = 0.1, .decay = 0.01};
    std::vector<float> expected[3] = {before[0], before[1], before[2]};
    Index offset = 0;
    for (int n = 1; n <= 40; ++n) {
        const Index shift[3] = {n % 4 == 1, n % 4 == 2, n % 4 == 3};
        pieces.push_back({.count = n,
                          .gradient = there[0] + offset + shift[0],
                          .state = {there[1] + offset + shift[1]},
                          .weights = there[2] + offset + shift[2]});
        std::vector<float> own[3];
        for (int b = 0; b < 3; ++b) {
            const auto from = before[b].begin() + offset + shift[b];
            own[b].assign(from, from + n);
        }
        sgd<HostedCuda>(step, own[0], own[1], own[2]);
        for (int b = 0; b < 3; ++b) {
            std::copy(own[b].begin(), own[b].end(), expected[b].begin() + offset + shift[b]);
        }
        offset += (n + 8) / 4 * 4;
    }
    cuda::Update::sgd(std::span(std::as_const(pieces)), step);
    device.download();
    for (int b = 0; b < 3; ++b) CHECK(blocks[b] == expected[b]);
}
