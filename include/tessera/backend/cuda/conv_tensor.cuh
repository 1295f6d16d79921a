// SPDX-License-Identifier: MIT
// Convolution on tensor cores: the products of conv.cuh by tensor_product.cuh.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cuda/column_sum.cuh"
#include "tessera/backend/cuda/padded_channels.cuh"
#include "tessera/backend/cuda/patches.cuh"
#include "tessera/backend/cuda/tensor_product.cuh"

namespace tessera::cuda {

/// The functions of ConvOp of backend/concept.hpp for T = Bf16, and for T = float by TF32 (operands
/// are rounded to 10 bits of fraction). Images, their gradients and weights are T; sums, biases and
/// the gradients of parameters are float. Needs compute capability 8.0. The same bits every time.
///
/// Three ways to gather, by what can be copied as one piece:
///   wide    16 bytes: channels and filters of a group are multiples of 8 Bf16 or 4 float
///   narrow  a first layer of 1 to 4 channels without groups: pixels of 4 Bf16 (padded in working
///           memory) or single floats on one side, 16 bytes on the other
///   single  numbers one by one: every other geometry, and arrays at odd addresses
struct TensorConv {
    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int) {
        const Parts<T> parts(g);
        const ConvGeometry wider = parts.geometry;
        const std::size_t partials =
            std::max({tensor_scratch(outputs_of(wider)), tensor_scratch(inputs_of(g)),
                      tensor_scratch(weights_of(wider)), tensor_scratch(weights_of(g)),
                      tensor_scratch(outputs_of(g))});
        return std::max(parts.partials + partials,
                        column_sum_scratch<float>(g.batch * g.output.area(), g.output.channels));
    }

    /// y = patches w + bias, and nought for less where `rectify`. `bias` may be null.
    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights, const float* bias,
                        T* y, const Scratch& scratch, bool rectify = false) {
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        const auto run = [&]<class Widths>(Widths, const ConvGeometry& by, const T* image,
                                           const T* matrix, float* partials) {
            const SumStore<float, T> store{.to = y,
                                           .row_stride = by.output.channels,
                                           .group_stride = by.filters(),
                                           .bias = bias,
                                           .bias_stride = static_cast<int>(by.filters()),
                                           .rectify = rectify};
            multiply<T, Widths>(
                "conv forward", outputs_of(by), PatchRows<T>(by, image),
                PlainMatrix<T, false>{matrix, 1, by.filters(), by.depth() * by.filters()}, store,
                partials);
        };
        const Parts<T> parts(g);
        switch (way<T>(g, x, weights, y)) {
            case Way::wide:
                return run(Wide<T>{}, g, x, weights, parts.partials_in(scratch));
            case Way::single:
                return run(Single{}, g, x, weights, parts.partials_in(scratch));
            case Way::narrow:
                return run(Narrow<T>{}, parts.geometry, parts.padded_image(g, x, scratch),
                           parts.padded_weights(g, weights, scratch), parts.partials_in(scratch));
        }
    }

    /// dx = windows of dy, w^T; null is not wanted.
    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        if (!dx) return;
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        const auto run = [&]<class Widths>(Widths) {
            const SumStore<float, T> store{.to = dx,
                                           .row_stride = g.input.channels,
                                           .group_stride = g.input.channels / g.groups};
            multiply<T, Widths>("conv backward data", inputs_of(g), GradientWindows<T>(g, dy),
                                WeightsByChannel<T>(g, weights), store,
                                Parts<T>(g).partials_in(scratch));
        };
        if (way<T>(g, weights, dy, dx) == Way::wide) {
            run(Wide<T>{});
        } else {
            run(Single{});
        }
    }

    /// dweights += patches^T dy and dbias += sums of dy; `dbias` may be null.
    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy, float* dweights,
                                    float* dbias, const Scratch& scratch) {
        check_scratch(scratch, scratch_bytes<T>(g, scratch.threads));
        const Parts<T> parts(g);
        const auto run = [&]<class Widths>(Widths, const ConvGeometry& by, const T* image,
                                           float* gradient) {
            const SumStore<float> store{.to = gradient,
                                        .row_stride = by.filters(),
                                        .group_stride = by.depth() * by.filters(),
                                        .accumulate = gradient == dweights};
            multiply<T, Widths>("conv backward weights", weights_of(by), PatchColumns<T>(by, image),
                                PlainMatrix<T, false>{dy, 1, by.output.channels, by.filters()},
                                store, parts.partials_in(scratch));
        };
        const Way found = way<T>(g, x, dy, dweights);
        if (found == Way::wide) run(Wide<T>{}, g, x, dweights);
        if (found == Way::single) run(Single{}, g, x, dweights);
        if (found == Way::narrow) {
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
    enum class Way { wide, narrow, single };

    /// Neighbours in memory of both operands, and whether the way has narrow tiles only.
    template <int A, int B>
    struct Widths {
        static constexpr int a = A, b = B;
    };
    template <class T>
    using Wide = Widths<pack_width<T>, pack_width<T>>;
    template <class T>
    using Narrow = Widths<std::is_same_v<T, Bf16> ? padded_channels : 1, pack_width<T>>;
    using Single = Widths<1, 1>;

    template <class T, class... Arrays>
    static Way way(const ConvGeometry& g, const Arrays*... arrays) {
        if (!detail::can_pack<T>(g.filters(), arrays...)) return Way::single;
        if (g.input.channels / g.groups % pack_width<T> == 0) return Way::wide;
        return narrow(g) ? Way::narrow : Way::single;
    }
    static bool narrow(const ConvGeometry& g) { return g.groups == 1 && g.input.channels <= 4; }
    static Index taps(const ConvGeometry& g) { return Index{g.window.height} * g.window.width; }

    /// Working memory, in this order: the image with padded channels, the weights, their gradient,
    /// where there is padding; then partial sums.
    template <class T>
    struct Parts {
        bool pads;
        ConvGeometry geometry;  ///< with as many channels as pixels have in the end
        std::size_t weights = 0, gradient = 0, partials = 0;

        explicit Parts(const ConvGeometry& g)
            : pads(std::is_same_v<T, Bf16> && narrow(g) && g.input.channels < padded_channels),
              geometry(g) {
            if (!pads) return;
            geometry.input.channels = padded_channels;
            const Index count = geometry.depth() * g.output.channels;
            weights = bytes<T>(g.batch * geometry.input.size());
            gradient = weights + bytes<T>(count);
            partials = gradient + bytes<float>(count);
        }
        const T* padded_image(const ConvGeometry& g, const T* x, const Scratch& scratch) const {
            return padded(g.batch * g.input.area(), g.input.channels, 1, x, scratch.data);
        }
        const T* padded_weights(const ConvGeometry& g, const T* from,
                                const Scratch& scratch) const {
            return padded(taps(g), g.input.channels, g.output.channels, from,
                          scratch.data + weights);
        }
        float* gradient_in(const Scratch& scratch) const {
            return reinterpret_cast<float*>(scratch.data + gradient);
        }
        float* partials_in(const Scratch& scratch) const {
            return reinterpret_cast<float*>(scratch.data + partials);
        }

    private:
        const T* padded(Index outer, int channels, int inner, const T* from, std::byte* to) const {
            if constexpr (std::is_same_v<T, Bf16>) {
                if (pads) {
                    pad_channels(outer, channels, inner, from, reinterpret_cast<T*>(to));
                    return reinterpret_cast<T*>(to);
                }
            }
            return from;
        }
        template <class Number>
        static std::size_t bytes(Index count) {
            return static_cast<std::size_t>(aligned(count * static_cast<Index>(sizeof(Number))));
        }
    };

    /// With the tile that suits the columns; ways that are not wide have fewer, to compile less.
    template <class T, class Chosen, class A, class B, class Out>
    static void multiply(const char* name, const ProductExtents& extents, const A& a, const B& b,
                         const SumStore<float, Out>& store, float* partials) {
        const int columns = tensor_columns(extents.columns);
        const auto run = [&]<int Columns>(Position<Columns>) {
            multiply_on_tensor_cores<T, TensorForm<Columns, Chosen::a, Chosen::b>>(
                name, extents, a, b, store, partials);
        };
        if constexpr (Chosen::b > 1) {
            if (columns == 96) return run(Position<96>{});
            if constexpr (Chosen::a == Chosen::b) {
                if (columns == 128) return run(Position<128>{});
            }
        }
        run(Position<64>{});
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

}  // namespace tessera::cuda
