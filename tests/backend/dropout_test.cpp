// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "oracle.hpp"
#include "tables.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("reference dropout follows the words of its stream") {
    const Stream stream{.seed = 5, .purpose = Purpose::dropout, .epoch = 2, .sample = 7};
    const Values x(1000, 3);
    Values y(1000), dx(1000);
    std::vector<std::uint8_t> mask(1000, 9);
    reference::Dropout::forward(1000, 0.25, stream, x.data(), y.data(), mask.data());
    reference::Dropout::backward(1000, 0.25, mask.data(), x.data(), dx.data());
    Random random(stream);
    int kept = 0;
    for (std::size_t i = 0; i < 1000; ++i) {
        const bool keep = random.uniform() >= 0.25f;
        kept += keep;
        REQUIRE(mask[i] == keep);
        REQUIRE(y[i] == (keep ? 4 : 0));
        REQUIRE(dx[i] == y[i]);
    }
    CHECK(kept > 700);
    CHECK(kept < 800);
}

TEST_CASE_TEMPLATE("dropout at the ends of the range keeps all or nothing", Table, Reference,
                   TESSERA_TABLES) {
    const std::vector<float> x(100, 2);
    for (const double rate : {0.0, 1.0}) {
        auto y = unwritten<float>(100);
        std::vector<std::uint8_t> mask(100, 9);
        Table::Dropout::forward(100, rate, {}, x.data(), y.data(), mask.data());
        CHECK(y == std::vector<float>(100, rate == 0 ? 2.f : 0.f));
    }
}

TEST_CASE_TEMPLATE("dropout without a mask passes everything on", Table, Reference,
                   TESSERA_TABLES) {
    const std::vector<float> x{1, 2, 3};
    auto y = unwritten<float>(3);
    Table::Dropout::forward(3, 0.5, {}, x.data(), y.data(), static_cast<std::uint8_t*>(nullptr));
    CHECK(y == x);
}

TEST_CASE_TEMPLATE("dropout gives the reference's bits on any number of threads", Table,
                   TESSERA_TABLES_AND_BF16) {
    using T = Number<Table>;
    Random random({.seed = 1});
    for (const Index n : {1, 3, 4, 63, 64, 65, 1001, 40003}) {
        for (const double rate : {0.5, 0.1, 0.7}) {
            const Stream stream{.seed = 11, .purpose = Purpose::dropout, .epoch = 3};
            const auto x = random_values<T>(random, n), dy = random_values<T>(random, n);
            const auto size = static_cast<std::size_t>(n);
            auto wide_y = unwritten<float>(n), wide_dx = wide_y;
            std::vector<std::uint8_t> expected_mask(size, 9);
            reference::Dropout::forward(n, rate, stream, converted<float>(x).data(), wide_y.data(),
                                        expected_mask.data());
            reference::Dropout::backward(n, rate, expected_mask.data(), converted<float>(dy).data(),
                                         wide_dx.data());
            const auto expected_y = converted<T>(wide_y), expected_dx = converted<T>(wide_dx);
            for (const int count : {1, 2, 4}) {
                const Threads threads(count);
                auto y = unwritten<T>(n), dx = y, in_place = x, gradient_in_place = dy;
                std::vector<std::uint8_t> mask(size, 9);
                Table::Dropout::forward(n, rate, stream, x.data(), y.data(), mask.data());
                Table::Dropout::forward(n, rate, stream, in_place.data(), in_place.data(),
                                        mask.data());
                Table::Dropout::backward(n, rate, mask.data(), dy.data(), dx.data());
                Table::Dropout::backward(n, rate, mask.data(), gradient_in_place.data(),
                                         gradient_in_place.data());
                CHECK(mask == expected_mask);
                CHECK(y == expected_y);
                CHECK(in_place == expected_y);
                CHECK(dx == expected_dx);
                CHECK(gradient_in_place == expected_dx);
            }
        }
    }
}
