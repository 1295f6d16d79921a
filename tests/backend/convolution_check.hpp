// SPDX-License-Identifier: MIT
// What the tests of convolutions ask of each.
#pragma once

#include <doctest/doctest.h>

#include <type_traits>

#include "oracle.hpp"
#include "tessera/backend/reference/conv.hpp"
#include "tessera/core/error.hpp"

namespace tessera::test {

/// All passes of a ConvOp on random numbers against the reference.
template <class Op, class T>
void check_convolution(const ConvGeometry& g, int threads, Random& random) {
    const Index weight_count = g.groups * g.depth() * (g.output.channels / g.groups);
    const Index outputs = g.batch * g.output.size();
    const Index inputs = g.batch * g.input.size();
    const auto x = random_values<T>(random, inputs);
    const auto weights = random_values<T>(random, weight_count);
    const auto bias = random_values<T>(random, g.output.channels);
    const auto dy = random_values<T>(random, outputs);
    const double close = std::is_same_v<T, float> ? tolerance : 1e-13;
    CAPTURE(g.batch);
    CAPTURE(g.groups);
    CAPTURE(text(g.input, " to ", g.output));
    CAPTURE(text(g.window.height, "x", g.window.width, "/", g.window.stride, " padded ",
                 g.window.pad_top, ", ", g.window.pad_left));
    CAPTURE(threads);
    Memory<Op, T> memory(g, threads);

    auto y = unwritten<T>(outputs);
    Values expected(y.size());
    Op::forward(g, x.data(), weights.data(), bias.data(), y.data(), memory);
    reference::Conv::forward(g, widened(x).data(), widened(weights).data(), widened(bias).data(),
                             expected.data(), {});
    CHECK(difference(y, expected) < close);

    y = unwritten<T>(outputs);
    Op::forward(g, x.data(), weights.data(), nullptr, y.data(), memory);
    reference::Conv::forward(g, widened(x).data(), widened(weights).data(), nullptr,
                             expected.data(), {});
    CHECK(difference(y, expected) < close);

    auto dx = unwritten<T>(inputs);
    Values expected_dx(dx.size());
    Op::backward_data(g, weights.data(), dy.data(), dx.data(), memory);
    reference::Conv::backward_data(g, widened(weights).data(), widened(dy).data(),
                                   expected_dx.data(), {});
    CHECK(difference(dx, expected_dx) < close);
    Op::backward_data(g, weights.data(), dy.data(), static_cast<T*>(nullptr), memory);

    // Parameter gradients join what is there.
    auto dweights = random_values<T>(random, weight_count);
    auto dbias = random_values<T>(random, g.output.channels);
    Values expected_dweights = widened(dweights), expected_dbias = widened(dbias);
    Op::backward_parameters(g, x.data(), dy.data(), dweights.data(), dbias.data(), memory);
    Op::backward_parameters(g, x.data(), dy.data(), dweights.data(), nullptr, memory);
    for (double* wanted : {expected_dbias.data(), static_cast<double*>(nullptr)}) {
        reference::Conv::backward_parameters(g, widened(x).data(), widened(dy).data(),
                                             expected_dweights.data(), wanted, {});
    }
    CHECK(difference(dweights, expected_dweights) < close);
    CHECK(difference(dbias, expected_dbias) < close);
}

}  // namespace tessera::test
