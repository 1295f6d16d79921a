// SPDX-License-Identifier: MIT
#include "tessera/backend/cpu/panel.hpp"

#include <doctest/doctest.h>

#include "oracle.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE_TEMPLATE("panels hold the factor, column beside column, zeros behind its last", T, float,
                   double) {
    const Index width = cpu::panel_columns<T>();
    Random random({.seed = 1});
    for (int round = 0; round < 100; ++round) {
        const Index depth = between(random, 1, 70), columns = between(random, 1, 100);
        const Index first = between(random, 0, 3), left = between(random, 0, 3);
        const bool transposed = round % 2 == 1;
        const Index stride = (transposed ? first + depth : left + columns) + between(random, 0, 5);
        const auto values =
            random_values<T>(random, stride * (transposed ? left + columns : first + depth));
        const cpu::Matrix<T> matrix{values.data(), stride, transposed};
        CAPTURE(text(depth, " x ", columns, transposed ? " transposed" : ""));

        std::vector<T> panels(static_cast<std::size_t>(cpu::panels_size<T>(depth, columns)), NAN);
        cpu::pack_panels(matrix, first, depth, left, columns, panels.data(), depth * width);
        int wrong = 0;
        for (Index j = 0; j < (columns + width - 1) / width * width; ++j) {
            for (Index k = 0; k < depth; ++k) {
                const T found =
                    panels[std::size_t(j / width * depth * width + k * width + j % width)];
                wrong += found != (j < columns ? *matrix.from(first + k, left + j).data : T{0});
            }
        }
        CHECK(wrong == 0);
    }
}
