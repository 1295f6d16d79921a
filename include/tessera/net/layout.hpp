// SPDX-License-Identifier: MIT
// Where every parameter lies: one contiguous block for what learns, in the order in which the
// backward pass produces the gradients (last layer first), then what is frozen.
#pragma once

#include <array>
#include <string>

#include "tessera/core/buffer.hpp"
#include "tessera/net/description.hpp"

namespace tessera {

/// One parameter array of a network.
struct ParameterEntry {
    ParameterInfo info{};
    int layer = 0;
    int slot = 0;  ///< its position among the layer's parameters
    bool frozen = false;
    Index offset = 0;  ///< elements from the beginning of the block
};

/// All parameters of a network, in layer order.
template <int Count>
struct ParameterLayout {
    std::array<ParameterEntry, Count> entries{};
    Index trainable = 0;  ///< elements that learn, padding included: offsets below it
    Index total = 0;      ///< elements of the block, padding included
};

namespace detail {
/// Entries begin at multiples of 16 elements: a cache line of floats.
constexpr Index padded(Index count) { return (count + 15) / 16 * 16; }

template <std::size_t Depth>
constexpr int count_parameters(const std::array<LayerInfo, Depth>& layers) {
    int count = 0;
    for (const LayerInfo& layer : layers) count += layer.parameters.count;
    return count;
}
}  // namespace detail

/// The layout of `Count` parameters (detail::count_parameters of the same table).
template <int Count, std::size_t Depth>
constexpr ParameterLayout<Count> lay_out(const std::array<LayerInfo, Depth>& layers) {
    ParameterLayout<Count> layout;
    std::size_t next = 0;
    for (std::size_t i = 0; i < Depth; ++i) {
        for (int slot = 0; slot < layers[i].parameters.count; ++slot) {
            layout.entries[next++] = {layers[i].parameters.items[static_cast<std::size_t>(slot)],
                                      static_cast<int>(i), slot, layers[i].frozen, 0};
        }
    }
    auto place = [&](bool frozen) {
        for (std::size_t layer_end = next; layer_end > 0;) {
            std::size_t begin = layer_end;
            while (begin > 0 &&
                   layout.entries[begin - 1].layer == layout.entries[layer_end - 1].layer) {
                --begin;
            }
            for (std::size_t i = begin; i < layer_end; ++i) {
                if (layout.entries[i].frozen != frozen) continue;
                layout.entries[i].offset = layout.total;
                layout.total += detail::padded(layout.entries[i].info.count());
            }
            layer_end = begin;
        }
    };
    place(false);
    layout.trainable = layout.total;
    place(true);
    return layout;
}

/// The name of a parameter in a file: the layer's name, or its position, then the role.
template <std::size_t Depth>
std::string parameter_name(const std::array<LayerInfo, Depth>& layers,
                           const ParameterEntry& entry) {
    const LayerInfo& layer = layers[static_cast<std::size_t>(entry.layer)];
    return layer.name.empty() ? text(entry.layer, ".", entry.info.role)
                              : text(layer.name, ".", entry.info.role);
}

}  // namespace tessera
