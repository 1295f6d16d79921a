// SPDX-License-Identifier: MIT
// The description of a network: a table of plain values, one row a layer, made by one fold over the
// list. Everything that is planned afterwards is ordinary code over this table.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/core/text.hpp"
#include "tessera/net/seq.hpp"

namespace tessera {

/// What a layer answers for its input shape.
struct LayerInfo {
    std::string_view kind;
    std::string_view name;  ///< empty unless Named
    Fit fit = Fit::yes;
    Shape input{};
    Shape output{};
    ParameterList parameters{};
    double flops = 0;
    Index saved_bytes = 0;
    SlidingWindow window{};
    bool frozen = false;
    bool tapped = false;
    bool in_place = false;
    bool needs_input = false;
    bool needs_output = false;
    bool paired = false;  ///< done with the next layer as one op, where a backend has it
};

/// One row a layer.
template <int Depth>
using Description = std::array<LayerInfo, Depth>;

namespace detail {
template <class L>
constexpr LayerInfo describe_layer(Shape input, Index scalar_bytes) {
    LayerInfo info;
    info.input = input;
    if constexpr (!IsLayer<L>) {
        info.fit = Fit::rejected;
        return info;
    } else {
        info.kind = L::kind;
        info.name = L::name;
        info.fit = L::fit(input);
        info.frozen = L::frozen;
        info.tapped = L::tapped;
        info.in_place = L::in_place;
        info.needs_input = L::needs_input;
        info.needs_output = L::needs_output;
        if (info.fit != Fit::yes) return info;
        info.output = L::output(input);
        info.parameters = L::parameters(input);
        info.window = L::window(input);
        if (!input.known()) return info;
        info.flops = L::flops(input);
        info.saved_bytes = L::saved_bytes(input, scalar_bytes);
        return info;
    }
}

template <class... Layers>
constexpr auto describe(Seq<Layers...>, Shape input, Index scalar_bytes) {
    Description<sizeof...(Layers)> rows;
    Shape shape = input;
    std::size_t next = 0;
    bool fits = true;
    auto append = [&](LayerInfo info) {
        fits = info.fit == Fit::yes;
        shape = info.output;
        rows[next++] = info;
        return fits;
    };
    (void)(append(describe_layer<Layers>(shape, scalar_bytes)) && ...);
    return rows;
}
}  // namespace detail

/// The table of a network for an input shape. It ends at the first layer that does not fit; a
/// `dynamic` extent leaves FLOPs and saved bytes at 0.
template <class Net>
constexpr auto describe(Shape input, Index scalar_bytes = sizeof(float)) {
    return detail::describe(Flat<Net>{}, input, scalar_bytes);
}

/// The first position that does not fit, -1 when all do.
template <std::size_t Depth>
constexpr int first_misfit(const std::array<LayerInfo, Depth>& layers) {
    for (std::size_t i = 0; i < Depth; ++i) {
        if (layers[i].fit != Fit::yes) return static_cast<int>(i);
    }
    return -1;
}

/// Throws Error naming who asks and the first layer that does not fit; a constant expression does
/// not compile.
template <std::size_t Depth>
constexpr void require_fit(const std::array<LayerInfo, Depth>& layers, std::string_view asking) {
    const int misfit = first_misfit(layers);
    if (misfit < 0) return;
    const LayerInfo& layer = layers[static_cast<std::size_t>(misfit)];
    fail(asking, ": layer ", misfit, " (", layer.kind, ") does not accept its input of ",
         layer.input, " for an image of ", layers.front().input);
}

/// The shape of what a network gives for an input shape. Throws Error when a layer does not fit.
template <class Net>
constexpr Shape output_shape(Shape input) {
    const auto layers = describe<Net>(input);
    require_fit(layers, "output_shape");
    return layers.empty() ? input : layers.back().output;
}

/// Parameters of a network, biases included. Throws Error when a layer does not fit.
template <class Net>
constexpr Index parameter_count(Shape input) {
    const auto layers = describe<Net>(input);
    require_fit(layers, "parameter_count");
    Index sum = 0;
    for (const LayerInfo& layer : layers) sum += layer.parameters.total();
    return sum;
}

/// Floating-point operations of one forward pass of one sample, a multiply-add counted as two.
/// Throws Error when a layer does not fit.
template <class Net>
constexpr double flops(Shape input) {
    const auto layers = describe<Net>(input);
    require_fit(layers, "flops");
    double sum = 0;
    for (const LayerInfo& layer : layers) sum += layer.flops;
    return sum;
}

/// Bytes one layer must move for a batch: its input and its parameters read, its output written.
/// 0 while the shape is dynamic. With flops() this places a layer under a roofline.
constexpr Index bytes(const LayerInfo& layer, int batch = 1, Index scalar_bytes = sizeof(float)) {
    if (!layer.input.known()) return 0;
    const Index samples = batch * (layer.input.size() + layer.output.size());
    return (samples + layer.parameters.total()) * scalar_bytes;
}

/// Bytes all layers of a network must move for a batch, each one reading and writing memory.
template <class Net>
constexpr Index bytes(Shape input, int batch = 1, Index scalar_bytes = sizeof(float)) {
    const auto layers = describe<Net>(input);
    require_fit(layers, "bytes");
    Index sum = 0;
    for (const LayerInfo& layer : layers) sum += bytes(layer, batch, scalar_bytes);
    return sum;
}

/// The first position whose name an earlier layer has, or has digits only and so stands for a layer
/// without a name; -1 when every name stands for one layer.
template <std::size_t Depth>
constexpr int first_ambiguous_name(const std::array<LayerInfo, Depth>& layers) {
    for (std::size_t i = 0; i < Depth; ++i) {
        if (layers[i].name.empty()) continue;
        if (layers[i].name.find_first_not_of("0123456789") == std::string_view::npos) {
            return static_cast<int>(i);
        }
        for (std::size_t before = 0; before < i; ++before) {
            if (layers[before].name == layers[i].name) return static_cast<int>(i);
        }
    }
    return -1;
}

/// The position of the layer with a name, -1 when there is none.
template <std::size_t Depth>
constexpr int find_layer(const std::array<LayerInfo, Depth>& layers, std::string_view name) {
    for (std::size_t i = 0; i < Depth; ++i) {
        if (layers[i].name == name) return static_cast<int>(i);
    }
    return -1;
}

}  // namespace tessera
