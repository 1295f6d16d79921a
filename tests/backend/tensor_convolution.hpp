// SPDX-License-Identifier: MIT
// A convolution on tensor cores against the reference, on operands that are exact there: what is
// left is the rounding of the sums.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "tensor_oracle.hpp"
#include "tessera/backend/reference/reference.hpp"

namespace tessera::test {

/// All passes of `Conv` on random numbers, in arrays that begin `shift` numbers late.
template <class Conv, class T>
void check_convolution(const ConvGeometry& g, Random& random, Index shift = 0) {
    CAPTURE(g.batch);
    CAPTURE(g.groups);
    CAPTURE(text(g.input, " to ", g.output));
    CAPTURE(text(g.window.height, "x", g.window.width, "/", g.window.stride, " padded ",
                 g.window.pad_top, ", ", g.window.pad_left));
    CAPTURE(sizeof(T));
    const auto x = exact_values<T>(random, input_count(g));
    const auto weights = exact_values<T>(random, weight_count(g));
    const auto bias = exact_values<T>(random, g.output.channels);
    const auto dy = exact_values<T>(random, output_count(g));
    OnDevice<T> x_there(x, shift), weights_there(weights, shift), dy_there(dy, shift);
    OnDevice<T> bias_there(bias, shift);
    const std::size_t bytes = Conv::template scratch_bytes<T>(g, 1);
    const std::vector<std::byte> ones(bytes, std::byte{0xFF});
    OnDevice<std::byte> memory(ones, 0);
    const Scratch scratch{memory.data(), bytes, 1};

    for (const bool plain : {true, false}) {
        OnDevice<T> y(not_a_number<T>(output_count(g)), shift);
        Conv::forward(g, x_there.data(), weights_there.data(), plain ? nullptr : bias_there.data(),
                      y.data(), scratch, !plain);
        Values expected(dy.size());
        reference::Conv::forward(g, widened(x).data(), widened(weights).data(),
                                 plain ? nullptr : widened(bias).data(), expected.data(), {});
        for (double& value : expected) value = plain ? value : std::max(value, 0.0);
        CHECK(agrees(y.values(), expected));
    }

    OnDevice<T> dx(not_a_number<T>(input_count(g)), shift);
    Conv::backward_data(g, weights_there.data(), dy_there.data(), dx.data(), scratch);
    Conv::backward_data(g, weights_there.data(), dy_there.data(), static_cast<T*>(nullptr),
                        scratch);
    Values expected_dx(x.size());
    reference::Conv::backward_data(g, widened(weights).data(), widened(dy).data(),
                                   expected_dx.data(), {});
    CHECK(agrees(dx.values(), expected_dx));

    const auto dweights = random_values<float>(random, weight_count(g));
    const auto dbias = random_values<float>(random, g.output.channels);
    OnDevice<float> dweights_there(dweights, shift), dbias_there(dbias, 0);
    Values expected_dweights = widened(dweights), expected_dbias = widened(dbias);
    for (const bool with_bias : {true, false}) {
        Conv::backward_parameters(g, x_there.data(), dy_there.data(), dweights_there.data(),
                                  with_bias ? dbias_there.data() : nullptr, scratch);
        reference::Conv::backward_parameters(g, widened(x).data(), widened(dy).data(),
                                             expected_dweights.data(),
                                             with_bias ? expected_dbias.data() : nullptr, {});
    }
    CHECK(agrees(dweights_there.values(), expected_dweights));
    CHECK(agrees(dbias_there.values(), expected_dbias));
}

/// A random geometry with channels and filters of a group in whole `unit`s.
inline ConvGeometry random_in_units(Random& random, int unit) {
    ConvGeometry g = random_convolution(random);
    g.batch = between(random, 1, 5);
    g.input.channels = g.groups * unit * between(random, 1, 3);
    g.output.channels = g.groups * unit * between(random, 1, 4);
    return g;
}

}  // namespace tessera::test
