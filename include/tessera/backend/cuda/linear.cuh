// SPDX-License-Identifier: MIT
// The fully connected op: three products with both operands as they lie in memory.
//
// FC6 at batch 128 is 9.7 GFLOP over 151 MB of weights in float: 35 microseconds of reading at
// 4.3 TB/s and 160 of arithmetic at 60 TFLOP/s. In bf16 it is 18 of reading and 12 of arithmetic at
// 790 TFLOP/s: bound by bandwidth up to a batch of some 180.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cuda/column_sum.cuh"
#include "tessera/backend/cuda/gemm.cuh"
#include "tessera/backend/cuda/wide.cuh"

namespace tessera::cuda {

/// LinearOp of backend/concept.hpp, by LibraryProduct or OwnProduct of gemm.cuh. With T = Bf16, x,
/// y, their gradients, weights and bias are stored in bfloat16, the gradients of parameters in
/// float, as the master weights they belong to.
template <class Product>
struct LinearBy {
    static constexpr bool takes_relu = true;

    template <class T>
    static std::size_t scratch_bytes(const LinearGeometry& g, int) {
        return std::max({Product::template scratch_bytes<T>(outputs_of(g)),
                         Product::template scratch_bytes<T>(inputs_of(g)),
                         Product::template scratch_bytes<T>(weights_of(g)),
                         column_sum_scratch<Wide<T>>(g.batch, g.outputs)});
    }

    /// y (batch, outputs) = x (batch, inputs) w (inputs, outputs) + bias.
    template <class T>
    static void forward(const LinearGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify = false) {
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        Gemm product = outputs_of(g);
        product.rectify = rectify;
        Product::multiply(product, x, weights, bias, y, scratch);
    }

    /// dx (batch, inputs) = dy (batch, outputs) w^T.
    template <class T>
    static void backward_data(const LinearGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        if (!dx) return;
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        Product::multiply(inputs_of(g), dy, weights, nullptr, dx, scratch);
    }

    /// dw (inputs, outputs) += x^T dy;  dbias (outputs) += sum over the batch of dy.
    template <class T>
    static void backward_parameters(const LinearGeometry& g, const T* x, const T* dy,
                                    Wide<T>* dweights, Wide<T>* dbias, const Scratch& scratch) {
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        Product::multiply(weights_of(g), x, dy, nullptr, dweights, scratch);
        if (!dbias) return;
        add_column_sums("linear backward bias", g.batch,
                        checked_extent(g.outputs, "columns of a product"), dy, dbias, scratch);
    }

private:
    static Gemm outputs_of(const LinearGeometry& g) {
        return {.name = "linear forward", .rows = g.batch, .columns = g.outputs, .depth = g.inputs};
    }
    static Gemm inputs_of(const LinearGeometry& g) {
        return {.name = "linear backward data",
                .rows = g.batch,
                .columns = g.inputs,
                .depth = g.outputs,
                .b_transposed = true};
    }
    static Gemm weights_of(const LinearGeometry& g) {
        return {.name = "linear backward weights",
                .rows = g.inputs,
                .columns = g.outputs,
                .depth = g.batch,
                .a_transposed = true,
                .accumulate = true};
    }
};

using Linear = LinearBy<LibraryProduct<>>;
using LinearTf32 = LinearBy<LibraryProduct<true>>;

}  // namespace tessera::cuda
