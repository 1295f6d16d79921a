// SPDX-License-Identifier: MIT
// The fully connected op on tensor cores against the reference.
#include "tessera/backend/cuda/linear_tensor.cuh"

#include <doctest/doctest.h>

#include "tensor_oracle.hpp"
#include "tessera/backend/reference/reference.hpp"

using namespace tessera;
using namespace tessera::test;
using cuda::TensorLinear;

TEST_CASE_TEMPLATE("a linear op on tensor cores agrees with the reference", T, Bf16, float) {
    Random random({.seed = 1});
    const LinearGeometry geometries[] = {
        {1, 1300, 136},  // sums in slices
        {3, 24, 1000},  {200, 64, 72}, {33, 104, 200},
        {600, 8, 16},   {5, 70, 21},  // number by number
        {40, 33, 1},
    };
    for (const LinearGeometry& g : geometries) {
        CAPTURE(text(g.batch, " of ", g.inputs, " to ", g.outputs, ", ", sizeof(T), " bytes"));
        const auto x = exact_values<T>(random, input_count(g));
        const auto weights = exact_values<T>(random, weight_count(g));
        const auto bias = exact_values<T>(random, g.outputs);
        const auto dy = exact_values<T>(random, output_count(g));
        OnDevice<T> x_there(x, 0), weights_there(weights, 0), bias_there(bias, 0), dy_there(dy, 0);
        const std::size_t bytes = TensorLinear::scratch_bytes<T>(g, 1);
        OnDevice<std::byte> memory(std::vector<std::byte>(bytes, std::byte{0xFF}), 0);
        const Scratch scratch{memory.data(), bytes, 1};

        for (const bool plain : {true, false}) {
            OnDevice<T> y(not_a_number<T>(output_count(g)), 0);
            TensorLinear::forward(g, x_there.data(), weights_there.data(),
                                  plain ? nullptr : bias_there.data(), y.data(), scratch, !plain);
            Values expected(dy.size());
            reference::Linear::forward(g, widened(x).data(), widened(weights).data(),
                                       plain ? nullptr : widened(bias).data(), expected.data(), {});
            for (double& value : expected) value = plain ? value : std::max(value, 0.0);
            CHECK(agrees(y.values(), expected));
        }

        OnDevice<T> dx(not_a_number<T>(input_count(g)), 0);
        TensorLinear::backward_data(g, weights_there.data(), dy_there.data(), dx.data(), scratch);
        TensorLinear::backward_data(g, weights_there.data(), dy_there.data(),
                                    static_cast<T*>(nullptr), scratch);
        Values expected_dx(x.size());
        reference::Linear::backward_data(g, widened(weights).data(), widened(dy).data(),
                                         expected_dx.data(), {});
        CHECK(agrees(dx.values(), expected_dx));

        const auto dweights = random_values<float>(random, weight_count(g));
        const auto dbias = random_values<float>(random, g.outputs);
        OnDevice<float> dweights_there(dweights, 0), dbias_there(dbias, 0);
        Values expected_dweights = widened(dweights), expected_dbias = widened(dbias);
        for (const bool with_bias : {true, false}) {
            TensorLinear::backward_parameters(g, x_there.data(), dy_there.data(),
                                              dweights_there.data(),
                                              with_bias ? dbias_there.data() : nullptr, scratch);
            reference::Linear::backward_parameters(g, widened(x).data(), widened(dy).data(),
                                                   expected_dweights.data(),
                                                   with_bias ? expected_dbias.data() : nullptr, {});
        }
        CHECK(agrees(dweights_there.values(), expected_dweights));
        CHECK(agrees(dbias_there.values(), expected_dbias));
    }
}
