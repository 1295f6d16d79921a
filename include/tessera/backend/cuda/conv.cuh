// SPDX-License-Identifier: MIT
// Convolution as a product of matrices that are gathered while they are multiplied:
//   forward             y  (pixels, filters)       = patches (pixels, taps) w (taps, filters)
//   gradient of data    dx (input pixels, channels) = windows (input pixels, window * filters) w^T
//   gradient of weights dw (taps, filters)         += patches^T (taps, pixels) dy (pixels, filters)
// each for every group; a tap is a place in the window and a channel. On CUDA cores, in float and
// double; Bf16 is multiplied and added up as float.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cuda/column_sum.cuh"
#include "tessera/backend/cuda/patches.cuh"
#include "tessera/backend/cuda/product.cuh"

namespace tessera::cuda {

/// ConvOp of backend/concept.hpp on CUDA cores. Throws Error when one image has 2^30 numbers or
/// more, or a batch 2^30 pixels.
struct PlainConv {
    static constexpr bool takes_relu = true;
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int) {
        using Sum = Master<T>;
        return std::max({product_scratch<Sum>(outputs_of(g)), product_scratch<Sum>(inputs_of(g)),
                         product_scratch<Sum>(weights_of(g)),
                         column_sum_scratch<Sum>(g.batch * g.output.area(), g.output.channels)});
    }

    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify = false) {
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        multiply("conv forward", outputs_of(g), PatchRows<T>(g, x),
                 PlainMatrix<T, false>{weights, 1, g.filters(), g.depth() * g.filters()},
                 SumStore<Master<T>, T>{.to = y,
                                        .row_stride = g.output.channels,
                                        .group_stride = g.filters(),
                                        .bias = bias,
                                        .bias_stride = static_cast<int>(g.filters()),
                                        .rectify = rectify},
                 scratch);
    }

    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch,
                              const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        multiply("conv backward data", inputs_of(g), GradientWindows<T>(g, dy),
                 WeightsByChannel<T>(g, weights),
                 SumStore<Master<T>, T>{.to = dx,
                                        .row_stride = g.input.channels,
                                        .group_stride = g.input.channels / g.groups,
                                        .rectified = rectified},
                 scratch);
    }

    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy,
                                    Master<T>* dweights, Master<T>* dbias, const Scratch& scratch) {
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        multiply("conv backward weights", weights_of(g), PatchColumns<T>(g, x),
                 PlainMatrix<T, false>{dy, 1, g.output.channels, g.filters()},
                 SumStore<Master<T>>{.to = dweights,
                                     .row_stride = g.filters(),
                                     .group_stride = g.depth() * g.filters(),
                                     .accumulate = true},
                 scratch);
        if (!dbias) return;
        add_column_sums("conv backward bias", g.batch * g.output.area(), g.output.channels, dy,
                        dbias, scratch);
    }

private:
    static ProductExtents extents(const ConvGeometry& g, Index rows, Index columns, Index depth) {
        checked_extent(g.input.size(), "numbers in an image");
        checked_extent(g.output.size(), "numbers in an image");
        return {.groups = g.groups,
                .rows = checked_extent(rows, "pixels of a batch"),
                .columns = checked_extent(columns, "channels"),
                .depth = checked_extent(depth, "numbers in a sum")};
    }
    static ProductExtents outputs_of(const ConvGeometry& g) {
        return extents(g, g.batch * g.output.area(), g.filters(), g.depth());
    }
    static ProductExtents inputs_of(const ConvGeometry& g) {
        return extents(g, g.batch * g.input.area(), g.input.channels / g.groups,
                       Index{g.window.height} * g.window.width * g.filters());
    }
    static ProductExtents weights_of(const ConvGeometry& g) {
        return extents(g, g.depth(), g.filters(), g.batch * g.output.area());
    }
};

}  // namespace tessera::cuda
