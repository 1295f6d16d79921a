// SPDX-License-Identifier: MIT
// What the tests of convolutions ask of each.
#pragma once

#include <doctest/doctest.h>

#include <type_traits>
#include <vector>

#include "oracle.hpp"
#include "tessera/backend/reference/conv.hpp"
#include "tessera/core/error.hpp"

namespace tessera::test {

/// All passes of a ConvOp on random numbers, on each number of threads, against the reference. The
/// reference takes most of the time and is asked once: with a bias it gives the same plus that
/// bias, and gradients that are joined twice are twice as far from where they were.
template <class Op, class T>
void check_convolution(const ConvGeometry& g, const std::vector<int>& numbers_of_threads,
                       Random& random) {
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
    const auto first_dweights = random_values<T>(random, weight_count);
    const auto first_dbias = random_values<T>(random, g.output.channels);

    Values plain(dy.size()), biased(dy.size()), expected_dx(x.size());
    reference::Conv::forward(g, widened(x).data(), widened(weights).data(), nullptr, plain.data(),
                             {});
    for (std::size_t i = 0; i < plain.size(); ++i) biased[i] = plain[i] + bias[i % bias.size()];
    reference::Conv::backward_data(g, widened(weights).data(), widened(dy).data(),
                                   expected_dx.data(), {});
    Values expected_dweights(weights.size()), expected_dbias = widened(first_dbias);
    reference::Conv::backward_parameters(g, widened(x).data(), widened(dy).data(),
                                         expected_dweights.data(), expected_dbias.data(), {});
    for (std::size_t i = 0; i < weights.size(); ++i) {
        expected_dweights[i] = first_dweights[i] + 2 * expected_dweights[i];
    }

    for (const int threads : numbers_of_threads) {
        CAPTURE(threads);
        Memory<Op, T> memory(g, threads);
        auto y = unwritten<T>(outputs);
        Op::forward(g, x.data(), weights.data(), bias.data(), y.data(), memory);
        CHECK(difference(y, biased) < close);
        y = unwritten<T>(outputs);
        Op::forward(g, x.data(), weights.data(), nullptr, y.data(), memory);
        CHECK(difference(y, plain) < close);

        auto dx = unwritten<T>(inputs);
        Op::backward_data(g, weights.data(), dy.data(), dx.data(), memory);
        CHECK(difference(dx, expected_dx) < close);
        Op::backward_data(g, weights.data(), dy.data(), static_cast<T*>(nullptr), memory);

        // Parameter gradients join what is there.
        auto dweights = first_dweights, dbias = first_dbias;
        Op::backward_parameters(g, x.data(), dy.data(), dweights.data(), dbias.data(), memory);
        Op::backward_parameters(g, x.data(), dy.data(), dweights.data(), nullptr, memory);
        CHECK(difference(dweights, expected_dweights) < close);
        CHECK(difference(dbias, expected_dbias) < close);
    }
}

template <class Op, class T>
void check_convolution(const ConvGeometry& g, int threads, Random& random) {
    check_convolution<Op, T>(g, std::vector{threads}, random);
}

}  // namespace tessera::test
