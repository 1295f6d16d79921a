// SPDX-License-Identifier: MIT
// Convolution on tensor cores: the products of conv.cuh by tensor_product.cuh.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cuda/conv.cuh"
#include "tessera/backend/cuda/padded_channels.cuh"
#include "tessera/backend/cuda/tensor_product.cuh"

// What a kernel takes (nvcc 13.0, sm_90; no spills there nor on sm_80), T = Bf16, with a block of
// 128 threads that makes 128 x 128, 128 x 96 or 128 x 64 sums in steps of 32 along k, and how many
// blocks fit a multiprocessor of 228 KiB and 65,536 registers:
//
//                     registers      shared memory, KiB  blocks
//   forward           222, 192, 158  66, 58, 50          2, 2, 3
//   gradient of data  226, 188, 158  64, 56, 48          2, 2, 3
//   of weights        204, 184, 128  68, 60, 52          2, 2, 4
//
// A step of 128 x 128 is 524,288 multiplications for 16 KiB out of device memory or the L2 cache,
// 64 operations a byte, and takes of a multiprocessor of an H100 or H200
//   - 256 turns of the tensor cores at their peak, some 400 by these instructions (mma.sync; only
//     wgmma, which no other generation has, comes near the peak),
//   - 384 turns of shared memory: 256 to read fragments, 128 to write what comes,
//   - a third of the instructions its four schedulers can issue meanwhile.
// So some 420 TFLOP/s are to be expected where blocks fill all multiprocessors, and by TF32, half
// the work in a turn and each fragment to be rounded, 200.
//
// AlexNet (2012) at batch 512 in Bf16, PREDICTED, not measured. Operations a byte count each tensor
// once; a GPU that copies 4.3 TB/s and multiplies 790 TFLOP/s is balanced at 184.
//
//       forward  tensors  operations  ms at the  predicted, ms
//        GFLOP       MB      a byte   ceilings   forward  data  weights
//   C1     108      451        239       0.14      0.45     -      0.45   363 taps become 512
//   C2     229      263        872       0.29      0.57    0.77    0.57   data: 48 of 64 columns
//   C3     153      111       1380       0.19      0.38    0.43    0.36
//   C4     115      133        863       0.15      0.29    0.29    0.28
//   C5      77      111        691       0.10      0.21    0.20    0.19

namespace tessera::cuda {

/// The functions of ConvOp of backend/concept.hpp for T = Bf16, and for T = float by TF32 (operands
/// are rounded to 10 bits of fraction). Images, their gradients and parameters are T, sums and the
/// gradients of parameters float. Needs compute capability 8.0. The same bits every time.
///
/// `Products` is WarpProducts or the like. Three ways, by what can be copied as one piece:
///   wide    16 bytes: channels and filters of a group are multiples of 8 Bf16 or 4 float
///   narrow  a first layer of 1 to 4 channels without groups: pixels of 4 Bf16 (padded in working
///           memory) or single floats on one side, 16 bytes on the other
///   plain   every other geometry, and arrays at odd addresses: PlainConv on CUDA cores
template <class Products>
struct TensorConvBy {
    static constexpr bool takes_relu = true;
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int threads) {
        const PaddedParts<T> parts(g);
        const ConvGeometry wider = parts.geometry;
        const std::size_t partials =
            std::max({Products::scratch(outputs_of(wider)), Products::scratch(inputs_of(g)),
                      Products::scratch(weights_of(wider))});
        return std::max(parts.partials + partials, PlainConv::scratch_bytes<T>(g, threads));
    }

    /// y = patches w + bias, and its ReLU where `rectify`. `bias` may be null.
    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify = false) {
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        const auto run = [&]<class Widths>(Widths, const ConvGeometry& by, const T* image,
                                           const T* matrix, float* partials) {
            const SumStore<float, T> store{.to = y,
                                           .row_stride = by.output.channels,
                                           .group_stride = by.filters(),
                                           .bias = bias,
                                           .bias_stride = static_cast<int>(by.filters()),
                                           .rectify = rectify};
            Products::template multiply<T, Widths::a, Widths::b>(
                "conv forward", outputs_of(by), PatchRows<T>(by, image),
                PlainMatrix<T, false>{matrix, 1, by.filters(), by.depth() * by.filters()}, store,
                partials);
        };
        const PaddedParts<T> parts(g);
        switch (way<T>(g, x, weights, y)) {
            case Way::plain:
                return PlainConv::forward(g, x, weights, bias, y, scratch, rectify);
            case Way::wide:
                return run(Wide<T>{}, g, x, weights, parts.partials_in(scratch));
            case Way::narrow:
                return run(Narrow<T>{}, parts.geometry, parts.padded_image(g, x, scratch),
                           parts.padded_weights(g, weights, scratch), parts.partials_in(scratch));
        }
    }

    /// dx = windows of dy, w^T; null is not wanted. `rectified`, where it is not null, is x, the
    /// output of a ReLU whose gradient is taken too.
    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch,
                              const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        if (way<T>(g, weights, dy, dx, rectified) != Way::wide) {
            return PlainConv::backward_data(g, weights, dy, dx, scratch, rectified);
        }
        const SumStore<float, T> store{.to = dx,
                                       .row_stride = g.input.channels,
                                       .group_stride = g.input.channels / g.groups,
                                       .rectified = rectified};
        Products::template multiply<T, pack_width<T>, pack_width<T>>(
            "conv backward data", inputs_of(g), GradientWindows<T>(g, dy),
            WeightsByChannel<T>(g, weights), store, PaddedParts<T>(g).partials_in(scratch));
    }

    /// dweights += patches^T dy and dbias += sums of dy; `dbias` may be null.
    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy, float* dweights,
                                    float* dbias, const Scratch& scratch) {
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        const Way found = way<T>(g, x, dy, dweights);
        if (found == Way::plain) {
            return PlainConv::backward_parameters(g, x, dy, dweights, dbias, scratch);
        }
        const PaddedParts<T> parts(g);
        const auto run = [&]<class Widths>(Widths, const ConvGeometry& by, const T* image,
                                           float* gradient) {
            const SumStore<float> store{.to = gradient,
                                        .row_stride = by.filters(),
                                        .group_stride = by.depth() * by.filters(),
                                        .accumulate = gradient == dweights};
            Products::template multiply<T, Widths::a, Widths::b>(
                "conv backward weights", weights_of(by), PatchColumns<T>(by, image),
                PlainMatrix<T, false>{dy, 1, by.output.channels, by.filters()}, store,
                parts.partials_in(scratch));
        };
        if (found == Way::wide) {
            run(Wide<T>{}, g, x, dweights);
        } else {
            float* gradient = parts.pads ? parts.gradient_in(scratch) : dweights;
            run(Narrow<T>{}, parts.geometry, parts.padded_image(g, x, scratch), gradient);
            if (parts.pads) {
                add_unpadded(taps(g), g.input.channels, g.output.channels, gradient, dweights);
            }
        }
        if (!dbias) return;
        add_column_sums("conv backward bias", g.batch * g.output.area(), g.output.channels, dy,
                        dbias, scratch);
    }

private:
    enum class Way { wide, narrow, plain };

    /// Neighbours in memory of both operands.
    template <int A, int B>
    struct Widths {
        static constexpr int a = A, b = B;
    };
    template <class T>
    using Wide = Widths<pack_width<T>, pack_width<T>>;
    template <class T>
    using Narrow = Widths<std::is_same_v<T, Bf16> ? padded_channels : 1, pack_width<T>>;

    template <class T, class... Arrays>
    static Way way(const ConvGeometry& g, const Arrays*... arrays) {
        if (!detail::can_pack<T>(g.filters(), arrays...)) return Way::plain;
        if (g.input.channels / g.groups % pack_width<T> == 0) return Way::wide;
        return has_few_channels(g) ? Way::narrow : Way::plain;
    }
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
                       taps(g) * g.filters());
    }
    static ProductExtents weights_of(const ConvGeometry& g) {
        return extents(g, g.depth(), g.filters(), g.batch * g.output.area());
    }
};

using TensorConv = TensorConvBy<WarpProducts>;

}  // namespace tessera::cuda
