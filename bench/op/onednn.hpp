// SPDX-License-Identifier: MIT
// oneDNN's primitives as the benchmarks of ops run them beside ours: float, or products in
// bfloat16, on arrays in the layouts that oneDNN likes best, brought there before the clock runs.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <cstddef>
#include <cstring>
#include <tuple>
#include <unordered_map>

#include "tessera/backend/geometry.hpp"

namespace bench {

/// One primitive with its arguments. Whoever derives from it makes both.
class OneDnn {
public:
    void run() {
        primitive_.execute(stream_, arguments_);
        stream_.wait();
    }

protected:
    using Description = dnnl::memory::desc;

    static Description in_format(const dnnl::memory::dims& extents, dnnl::memory::format_tag tag) {
        return {extents, dnnl::memory::data_type::f32, tag};
    }
    static dnnl::memory::dims images(int batch, tessera::Shape shape) {
        return {batch, shape.channels, shape.height, shape.width};
    }

    /// What is padded at the lower and right edge follows from the output's extent.
    static int pad_behind(int input, int output, int window, int stride, int before) {
        return (output - 1) * stride + window - input - before;
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

    /// Eighths, which as bfloat16 are eighths and zeros.
    dnnl::memory filled(const Description& description) const {
        dnnl::memory memory(description, engine_);
        auto* data = static_cast<float*>(memory.get_data_handle());
        const std::size_t count = description.get_size() / sizeof(float);
        for (std::size_t i = 0; i < count; ++i) {
            data[i] = static_cast<float>(static_cast<int>(i % 17) - 8) / 8;
        }
        return memory;
    }
    dnnl::memory zeroed(const Description& description) const {
        dnnl::memory memory(description, engine_);
        if (description.get_size() > 0) {
            std::memset(memory.get_data_handle(), 0, description.get_size());
        }
        return memory;
    }

    dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream_{engine_};
    dnnl::primitive primitive_;
    std::unordered_map<int, dnnl::memory> arguments_;
};

/// One of the three products of a layer: 0 forward, 1 gradient of the data, 2 of the weights.
class OneDnnProduct : public OneDnn {
public:
    using Type = dnnl::memory::data_type;

    /// Throws dnnl::error where oneDNN has no such algorithm for the geometry.
    OneDnnProduct(const tessera::ConvGeometry& g, int pass, dnnl::algorithm algorithm,
                  Type type = Type::f32)
        : type_(type) {
        const tessera::SlidingWindow& w = g.window;
        const int inputs = g.input.channels / g.groups, outputs = g.output.channels / g.groups;
        dnnl::memory::dims weights{outputs, inputs, w.height, w.width};
        if (g.groups > 1) weights.insert(weights.begin(), g.groups);
        build<dnnl::convolution_forward, dnnl::convolution_backward_data,
              dnnl::convolution_backward_weights>(
            pass, std::tuple(algorithm), any(images(g.batch, g.input)), any(weights),
            any(images(g.batch, g.output)), dnnl::memory::dims{w.stride, w.stride},
            dnnl::memory::dims{w.pad_top, w.pad_left},
            dnnl::memory::dims{
                pad_behind(g.input.height, g.output.height, w.height, w.stride, w.pad_top),
                pad_behind(g.input.width, g.output.width, w.width, w.stride, w.pad_left)});
    }
    OneDnnProduct(const tessera::LinearGeometry& g, int pass, Type type = Type::f32) : type_(type) {
        build<dnnl::inner_product_forward, dnnl::inner_product_backward_data,
              dnnl::inner_product_backward_weights>(pass, std::tuple(), any({g.batch, g.inputs}),
                                                    any({g.outputs, g.inputs}),
                                                    any({g.batch, g.outputs}));
    }

private:
    Type type_;

    Description any(const dnnl::memory::dims& extents) const {
        return {extents, type_, dnnl::memory::format_tag::any};
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
};

/// A layer without parameters, forward as in training or backward. Images lie as oneDNN's own
/// convolutions leave them, 16 channels at a time.
class OneDnnLayer : public OneDnn {
public:
    OneDnnLayer(const tessera::LrnGeometry& g, bool backward) {
        const Description x = blocked(g.batch, g.shape);
        const auto across = dnnl::algorithm::lrn_across_channels;
        const auto alpha = static_cast<float>(g.alpha * g.size);  // divided by the size there
        const auto beta = static_cast<float>(g.beta), k = static_cast<float>(g.k);
#if DNNL_VERSION_MAJOR >= 3
        build<dnnl::lrn_forward, dnnl::lrn_backward>(
            backward, std::tuple(training, across, x, x, g.size, alpha, beta, k),
            std::tuple(across, x, x, x, g.size, alpha, beta, k));
#else
        build<dnnl::lrn_forward, dnnl::lrn_backward>(
            backward, std::tuple(training, across, x, g.size, alpha, beta, k),
            std::tuple(across, x, x, g.size, alpha, beta, k));
#endif
    }

    OneDnnLayer(const tessera::PoolGeometry& g, bool backward) {
        const tessera::SlidingWindow& w = g.window;
        const Description x = blocked(g.batch, g.input), y = blocked(g.batch, g.output);
        const auto largest = dnnl::algorithm::pooling_max;
        const dnnl::memory::dims strides{w.stride, w.stride}, window{w.height, w.width};
        const dnnl::memory::dims before{w.pad_top, w.pad_left};
        const dnnl::memory::dims behind{
            pad_behind(g.input.height, g.output.height, w.height, w.stride, w.pad_top),
            pad_behind(g.input.width, g.output.width, w.width, w.stride, w.pad_left)};
#if DNNL_VERSION_MAJOR >= 3
        const dnnl::memory::dims gaps{0, 0};
        build<dnnl::pooling_forward, dnnl::pooling_backward>(
            backward, std::tuple(training, largest, x, y, strides, window, gaps, before, behind),
            std::tuple(largest, x, y, strides, window, gaps, before, behind));
#else
        build<dnnl::pooling_forward, dnnl::pooling_backward>(
            backward, std::tuple(training, largest, x, y, strides, window, before, behind),
            std::tuple(largest, x, y, strides, window, before, behind));
#endif
    }

    /// Of `batch` images.
    static OneDnnLayer relu(int batch, tessera::Shape shape, bool backward) {
        const Description x = blocked(batch, shape);
        const auto rectify = dnnl::algorithm::eltwise_relu;
        OneDnnLayer layer;
#if DNNL_VERSION_MAJOR >= 3
        layer.build<dnnl::eltwise_forward, dnnl::eltwise_backward>(
            backward, std::tuple(training, rectify, x, x, 0.0f, 0.0f),
            std::tuple(rectify, x, x, x, 0.0f, 0.0f));
#else
        layer.build<dnnl::eltwise_forward, dnnl::eltwise_backward>(
            backward, std::tuple(training, rectify, x, 0.0f, 0.0f),
            std::tuple(rectify, x, x, 0.0f, 0.0f));
#endif
        return layer;
    }

    static OneDnnLayer softmax(int rows, int channels, bool backward) {
        const Description x = in_format({rows, channels}, dnnl::memory::format_tag::ab);
        OneDnnLayer layer;
#if DNNL_VERSION_MAJOR >= 3
        const auto accurate = dnnl::algorithm::softmax_accurate;
        layer.build<dnnl::softmax_forward, dnnl::softmax_backward>(
            backward, std::tuple(training, accurate, x, x, 1), std::tuple(accurate, x, x, x, 1));
#else
        layer.build<dnnl::softmax_forward, dnnl::softmax_backward>(
            backward, std::tuple(training, x, 1), std::tuple(x, x, 1));
#endif
        return layer;
    }

private:
    static constexpr dnnl::prop_kind training = dnnl::prop_kind::forward_training;

    OneDnnLayer() = default;

    static Description blocked(int batch, tessera::Shape shape) {
        return in_format(images(batch, shape), dnnl::memory::format_tag::aBcd16b);
    }

    /// Runs forward once, as backward goes by what that leaves behind.
    template <class Forward, class Backward, class... There, class... Back>
    void build(bool backward, const std::tuple<There...>& there, const std::tuple<Back...>& back) {
        const auto forward =
            std::apply([&](const auto&... all) { return describe<Forward>(all...); }, there);
        arguments_ = {{DNNL_ARG_SRC, filled(forward.src_desc())},
                      {DNNL_ARG_DST, filled(forward.dst_desc())},
                      {DNNL_ARG_WORKSPACE, zeroed(forward.workspace_desc())}};
        primitive_ = Forward(forward);
        run();
        if (!backward) return;
        const auto gradient = std::apply(
            [&](const auto&... all) { return describe_backward<Backward>(forward, all...); }, back);
        arguments_.emplace(DNNL_ARG_DIFF_DST, filled(gradient.diff_dst_desc()));
        arguments_.emplace(DNNL_ARG_DIFF_SRC, filled(gradient.diff_src_desc()));
        primitive_ = Backward(gradient);
    }
};

/// What is only brought into another order or type.
class OneDnnCopy : public OneDnn {
public:
    static OneDnnCopy transpose(tessera::Index rows, tessera::Index columns) {
        const dnnl::memory::dims extents{rows, columns};
        return {in_format(extents, dnnl::memory::format_tag::ab),
                in_format(extents, dnnl::memory::format_tag::ba)};
    }
    static OneDnnCopy narrow(tessera::Index count) {
        const auto row = dnnl::memory::format_tag::a;
        return {in_format({count}, row), {{count}, dnnl::memory::data_type::bf16, row}};
    }

private:
    OneDnnCopy(const Description& from, const Description& to) {
        primitive_ = dnnl::reorder(dnnl::reorder::primitive_desc(engine_, from, engine_, to));
        arguments_ = {{DNNL_ARG_FROM, filled(from)}, {DNNL_ARG_TO, zeroed(to)}};
    }
};

}  // namespace bench
