// SPDX-License-Identifier: MIT
// The fully connected op: three products with both operands as they lie in memory.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cuda/column_sum.cuh"
#include "tessera/backend/cuda/product.cuh"

namespace tessera::cuda {

/// LinearOp of backend/concept.hpp. With few rows (a small batch) the sums are cut into slices, so
/// that enough blocks read the weights.
struct Linear {
    template <class T>
    static std::size_t scratch_bytes(const LinearGeometry& g, int) {
        return std::max({product_scratch<T>(outputs_of(g)), product_scratch<T>(inputs_of(g)),
                         product_scratch<T>(weights_of(g)),
                         column_sum_scratch<T>(g.batch, g.outputs)});
    }

    /// y (batch, outputs) = x (batch, inputs) w (inputs, outputs) + bias.
    template <class T>
    static void forward(const LinearGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch) {
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        multiply("linear forward", outputs_of(g), PlainMatrix<T, true>{x, g.inputs, 1},
                 PlainMatrix<T, false>{weights, 1, g.outputs},
                 SumStore<T>{.to = y, .row_stride = g.outputs, .bias = bias}, scratch);
    }

    /// dx (batch, inputs) = dy (batch, outputs) w^T.
    template <class T>
    static void backward_data(const LinearGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        if (!dx) return;
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        multiply("linear backward data", inputs_of(g), PlainMatrix<T, true>{dy, g.outputs, 1},
                 PlainMatrix<T, true>{weights, g.outputs, 1},
                 SumStore<T>{.to = dx, .row_stride = g.inputs}, scratch);
    }

    /// dw (inputs, outputs) += x^T dy;  dbias (outputs) += sum over the batch of dy.
    template <class T>
    static void backward_parameters(const LinearGeometry& g, const T* x, const T* dy, T* dweights,
                                    std::type_identity_t<T>* dbias, const Scratch& scratch) {
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        multiply("linear backward weights", weights_of(g), PlainMatrix<T, false>{x, 1, g.inputs},
                 PlainMatrix<T, false>{dy, 1, g.outputs},
                 SumStore<T>{.to = dweights, .row_stride = g.outputs, .accumulate = true}, scratch);
        if (!dbias) return;
        add_column_sums("linear backward bias", g.batch, weights_of(g).columns, dy, dbias, scratch);
    }

private:
    static ProductExtents extents(Index rows, Index columns, Index depth) {
        return {.rows = checked_extent(rows, "rows of a product"),
                .columns = checked_extent(columns, "columns of a product"),
                .depth = checked_extent(depth, "numbers in a sum")};
    }
    static ProductExtents outputs_of(const LinearGeometry& g) {
        return extents(g.batch, g.outputs, g.inputs);
    }
    static ProductExtents inputs_of(const LinearGeometry& g) {
        return extents(g.batch, g.inputs, g.outputs);
    }
    static ProductExtents weights_of(const LinearGeometry& g) {
        return extents(g.inputs, g.outputs, g.batch);
    }
};

}  // namespace tessera::cuda
