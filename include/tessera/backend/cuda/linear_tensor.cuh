// SPDX-License-Identifier: MIT
// The fully connected op on tensor cores: the products of linear.cuh by tensor_product.cuh.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cuda/column_sum.cuh"
#include "tessera/backend/cuda/tensor_product.cuh"

namespace tessera::cuda {

/// The functions of LinearOp of backend/concept.hpp for T = Bf16, and for T = float by TF32, as
/// TensorConv: x, y, their gradients and parameters are T, sums and the gradients of parameters
/// float. Fewer than 8 Bf16 or 4 float at a time, or arrays at odd addresses, are
/// copied number by number.
struct TensorLinear {
    static constexpr bool takes_relu = true;

    template <class T>
    static std::size_t scratch_bytes(const LinearGeometry& g, int) {
        return std::max({tensor_scratch(outputs_of(g)), tensor_scratch(inputs_of(g)),
                         tensor_scratch(weights_of(g)),
                         column_sum_scratch<float>(g.batch, g.outputs)});
    }

    /// y (batch, outputs) = x (batch, inputs) w (inputs, outputs) + bias, and its ReLU where
    /// `rectify`. `bias` may be null.
    template <class T>
    static void forward(const LinearGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify = false) {
        const SumStore<float, T> store{
            .to = y, .row_stride = g.outputs, .bias = bias, .rectify = rectify};
        multiply<T>("linear forward", g, outputs_of(g), PlainMatrix<T, true>{x, g.inputs, 1},
                    PlainMatrix<T, false>{weights, 1, g.outputs}, store, scratch);
    }

    /// dx (batch, inputs) = dy (batch, outputs) w^T; null is not wanted.
    template <class T>
    static void backward_data(const LinearGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        if (!dx) return;
        multiply<T>("linear backward data", g, inputs_of(g), PlainMatrix<T, true>{dy, g.outputs, 1},
                    PlainMatrix<T, true>{weights, g.outputs, 1},
                    SumStore<float, T>{.to = dx, .row_stride = g.inputs}, scratch);
    }

    /// dw (inputs, outputs) += x^T dy;  dbias (outputs) += sums of dy; `dbias` may be null.
    template <class T>
    static void backward_parameters(const LinearGeometry& g, const T* x, const T* dy,
                                    float* dweights, float* dbias, const Scratch& scratch) {
        multiply<T>("linear backward weights", g, weights_of(g),
                    PlainMatrix<T, false>{x, 1, g.inputs}, PlainMatrix<T, false>{dy, 1, g.outputs},
                    SumStore<float>{.to = dweights, .row_stride = g.outputs, .accumulate = true},
                    scratch);
        if (!dbias) return;
        add_column_sums("linear backward bias", g.batch, weights_of(g).columns, dy, dbias, scratch);
    }

private:
    template <class T, class A, class B, class Out>
    static void multiply(const char* name, const LinearGeometry& g, const ProductExtents& extents,
                         const A& a, const B& b, const SumStore<float, Out>& store,
                         const Scratch& scratch) {
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        float* partials = reinterpret_cast<float*>(scratch.data);
        constexpr int wide = pack_width<T>;
        if (g.inputs % wide == 0 && detail::can_pack<T>(g.outputs, a.data, b.data, store.to)) {
            multiply_on_tensor_cores<T, wide, wide>(name, extents, a, b, store, partials);
        } else {
            multiply_on_tensor_cores<T, 1, 1>(name, extents, a, b, store, partials);
        }
    }

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
