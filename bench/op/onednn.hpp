// SPDX-License-Identifier: MIT
// oneDNN's convolutions and products as the benchmarks of ops run them beside ours: float, on
// arrays in the layouts that oneDNN likes best, brought there before the clock runs.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <cstddef>
#include <tuple>
#include <unordered_map>

#include "tessera/backend/geometry.hpp"

namespace bench {

/// One of the three products of a layer: 0 forward, 1 gradient of the data, 2 of the weights.
class OneDnn {
public:
    /// Throws dnnl::error where oneDNN has no such algorithm for the geometry.
    OneDnn(const tessera::ConvGeometry& g, int pass, dnnl::algorithm algorithm) {
        const tessera::SlidingWindow& w = g.window;
        const int inputs = g.input.channels / g.groups, outputs = g.output.channels / g.groups;
        dnnl::memory::dims weights{outputs, inputs, w.height, w.width};
        if (g.groups > 1) weights.insert(weights.begin(), g.groups);
        // What is padded at the lower and right edge follows from the output's extent.
        const auto after = [&](int input, int output, int window, int before) {
            return (output - 1) * w.stride + window - input - before;
        };
        build<dnnl::convolution_forward, dnnl::convolution_backward_data,
              dnnl::convolution_backward_weights>(
            pass, std::tuple(algorithm), images(g.batch, g.input), any(weights),
            images(g.batch, g.output), dnnl::memory::dims{w.stride, w.stride},
            dnnl::memory::dims{w.pad_top, w.pad_left},
            dnnl::memory::dims{after(g.input.height, g.output.height, w.height, w.pad_top),
                               after(g.input.width, g.output.width, w.width, w.pad_left)});
    }
    OneDnn(const tessera::LinearGeometry& g, int pass) {
        build<dnnl::inner_product_forward, dnnl::inner_product_backward_data,
              dnnl::inner_product_backward_weights>(pass, std::tuple(), any({g.batch, g.inputs}),
                                                    any({g.outputs, g.inputs}),
                                                    any({g.batch, g.outputs}));
    }

    void run() {
        primitive_.execute(stream_, arguments_);
        stream_.wait();
    }

private:
    using Description = dnnl::memory::desc;

    static Description any(const dnnl::memory::dims& extents) {
        return {extents, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any};
    }
    static Description images(int batch, tessera::Shape shape) {
        return any({batch, shape.channels, shape.height, shape.width});
    }

    // From version 3 on there is one description less.
    template <class Primitive, class... Arguments>
    auto describe(const Arguments&... arguments) const {
#if DNNL_VERSION_MAJOR >= 3
        return typename Primitive::primitive_desc(engine_, arguments...);
#else
        return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), engine_);
#endif
    }
    template <class Primitive, class Forward, class... Arguments>
    auto describe_backward(const Forward& forward, const Arguments&... arguments) const {
#if DNNL_VERSION_MAJOR >= 3
        return typename Primitive::primitive_desc(engine_, arguments..., forward);
#else
        return typename Primitive::primitive_desc(typename Primitive::desc(arguments...), engine_,
                                                  forward);
#endif
    }

    template <class Forward, class Data, class Weights, class... Algorithm, class... Rest>
    void build(int pass, const std::tuple<Algorithm...>& algorithm, const Description& x,
               const Description& w, const Description& y, const Rest&... rest) {
        std::apply(
            [&](const auto&... chosen) {
                const auto forward = describe<Forward>(dnnl::prop_kind::forward_training, chosen...,
                                                       x, w, y, rest...);
                if (pass == 0) {
                    primitive_ = Forward(forward);
                    arguments_ = {{DNNL_ARG_SRC, filled(forward.src_desc())},
                                  {DNNL_ARG_WEIGHTS, filled(forward.weights_desc())},
                                  {DNNL_ARG_DST, filled(forward.dst_desc())}};
                } else if (pass == 1) {
                    const auto back = describe_backward<Data>(forward, chosen..., x, w, y, rest...);
                    primitive_ = Data(back);
                    arguments_ = {{DNNL_ARG_DIFF_SRC, filled(back.diff_src_desc())},
                                  {DNNL_ARG_WEIGHTS, filled(back.weights_desc())},
                                  {DNNL_ARG_DIFF_DST, filled(back.diff_dst_desc())}};
                } else {
                    const auto back =
                        describe_backward<Weights>(forward, chosen..., x, w, y, rest...);
                    primitive_ = Weights(back);
                    arguments_ = {{DNNL_ARG_SRC, filled(back.src_desc())},
                                  {DNNL_ARG_DIFF_WEIGHTS, filled(back.diff_weights_desc())},
                                  {DNNL_ARG_DIFF_DST, filled(back.diff_dst_desc())}};
                }
            },
            algorithm);
    }

    dnnl::memory filled(const Description& description) const {
        dnnl::memory memory(description, engine_);
        auto* data = static_cast<float*>(memory.get_data_handle());
        const std::size_t count = description.get_size() / sizeof(float);
        for (std::size_t i = 0; i < count; ++i) {
            data[i] = static_cast<float>(static_cast<int>(i % 17) - 8) / 8;
        }
        return memory;
    }

    dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream_{engine_};
    dnnl::primitive primitive_;
    std::unordered_map<int, dnnl::memory> arguments_;
};

}  // namespace bench
