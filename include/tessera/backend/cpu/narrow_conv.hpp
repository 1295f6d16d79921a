// SPDX-License-Identifier: MIT
// Convolution in bfloat16: directly; as the linear op where that is what it is. The gradient of the
// data of a window that moves by more than a pixel is computed in float, image by image.
//
// Of the multiply-adds that two cores of Zen 5 do in float, the layers C2 to C5 of AlexNet do 1.4
// to 2.0 times as many, C1 1.1 forward and 1.4 to 1.6 for its weights (bench/run.sh).
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/direct_conv.hpp"
#include "tessera/backend/cpu/direct_gradient.hpp"
#include "tessera/backend/cpu/linear.hpp"
#include "tessera/backend/cpu/product_conv.hpp"
#include "tessera/backend/cpu/tiled_product.hpp"

namespace tessera::cpu {

/// The functions of ConvOp of backend/concept.hpp for T = Bf16.
struct NarrowConv {
    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int threads) {
        if (is_linear(g)) return OfMatrix::scratch_bytes<T>(linear(g), threads);
        return std::max(DirectConv::scratch_bytes<T>(g, threads),
                        is_turnable(g) ? 0 : widened_bytes(g, threads));
    }

    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify) {
        is_linear(g) ? OfMatrix::forward(linear(g), x, weights, bias, y, scratch, rectify)
                     : DirectConv::forward(g, x, weights, bias, y, scratch, rectify);
    }

    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch, const std::type_identity_t<T>* rectified) {
        if (!dx) return;
        if (!is_linear(g)) {
            is_turnable(g) ? DirectConv::backward_data(g, weights, dy, dx, scratch, rectified)
                           : backward_data_in_float(g, weights, dy, dx, scratch, rectified);
            return;
        }
        OfMatrix::backward_data(linear(g), weights, dy, dx, scratch);
        if (!rectified) return;
        const Index size = g.batch * g.input.size();
        parallel_for(size, threads_for(size, scratch.threads), [=](Index from, Index to, int) {
            rectify_gradient(to - from, rectified + from, dx + from);
        });
    }

    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy, float* dweights,
                                    float* dbias, const Scratch& scratch) {
        is_linear(g) ? OfMatrix::backward_parameters(linear(g), x, dy, dweights, dbias, scratch)
                     : DirectGradient::backward_parameters(g, x, dy, dweights, dbias, scratch);
    }

private:
    using OfMatrix = Linear<TiledProduct>;
    using InFloat = ProductConv<TiledProduct>;

    static constexpr bool is_linear(const ConvGeometry& g) { return is_matrix(g) && g.groups == 1; }
    static constexpr LinearGeometry linear(const ConvGeometry& g) {
        const auto patches = static_cast<int>(g.batch * g.output.area());
        return {patches, g.depth(), g.filters()};
    }

    static constexpr Index weight_count(const ConvGeometry& g) {
        return g.groups * g.depth() * g.filters();
    }
    static constexpr ConvGeometry image_of(ConvGeometry g) {
        g.batch = 1;
        return g;
    }
    static std::size_t widened_bytes(const ConvGeometry& g, int threads) {
        return carved_bytes<float>(weight_count(g)) + carved_bytes<float>(g.output.size()) +
               carved_bytes<float>(g.input.size()) +
               InFloat::scratch_bytes<float>(image_of(g), threads);
    }

    template <class T>
    static void backward_data_in_float(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                                       const Scratch& scratch,
                                       const std::type_identity_t<T>* rectified) {
        const Index inputs = g.input.size(), outputs = g.output.size();
        Carve carve(scratch);
        float* wide_weights = carve.take<float>(weight_count(g));
        float* wide_dy = carve.take<float>(outputs);
        float* wide_dx = carve.take<float>(inputs);
        const std::size_t bytes = InFloat::scratch_bytes<float>(image_of(g), scratch.threads);
        const Scratch rest{carve.take<std::byte>(static_cast<Index>(bytes)), bytes,
                           scratch.threads};
        std::copy_n(weights, weight_count(g), wide_weights);
        for (int n = 0; n < g.batch; ++n, dy += outputs, dx += inputs) {
            std::copy_n(dy, outputs, wide_dy);
            InFloat::backward_data(image_of(g), wide_weights, wide_dy, wide_dx, rest);
            narrow_run(inputs, wide_dx, dx);
            if (rectified) rectify_gradient(inputs, rectified + n * inputs, dx);
        }
    }
};

}  // namespace tessera::cpu
