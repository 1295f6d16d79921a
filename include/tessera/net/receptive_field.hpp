// SPDX-License-Identifier: MIT
// Receptive-field geometry: which rectangle of the image a position of a map looks at. Shared by
// tiling, dense scores and heat maps.
#pragma once

#include "tessera/core/box.hpp"
#include "tessera/net/description.hpp"

namespace tessera {

/// Along one axis, position p of a map sees pixels offset + p * stride up to (not with) + size.
struct Field {
    int size = 1;  ///< 0 where it is not known: behind a window over a dynamic extent
    int stride = 1;
    int offset = 0;  ///< of position 0; negative when it begins in the padding

    friend constexpr bool operator==(const Field&, const Field&) = default;

    /// The field after a further window on top of this one.
    constexpr Field through(int window, int step, int pad) const {
        if (size < 1 || window < 1) return {0, stride, offset};
        return {size + (window - 1) * stride, stride * step, offset - pad * stride};
    }
};

struct ReceptiveField {
    Field vertical{};
    Field horizontal{};

    friend constexpr bool operator==(const ReceptiveField&, const ReceptiveField&) = default;

    /// What the position sees, in pixels of the image; it may reach beyond the image.
    constexpr Box box(int row, int column) const {
        const double left = horizontal.offset + column * horizontal.stride;
        const double top = vertical.offset + row * vertical.stride;
        return {left, top, left + horizontal.size, top + vertical.size};
    }
};

/// The field of the output of the first `layers` layers. requires windows of known extent: a Linear
/// or GlobalMaxPool over a dynamic extent has none.
template <std::size_t Depth>
constexpr ReceptiveField receptive_field(const std::array<LayerInfo, Depth>& layers, int count) {
    ReceptiveField field;
    for (int i = 0; i < count; ++i) {
        const SlidingWindow& window = layers[static_cast<std::size_t>(i)].window;
        field.vertical = field.vertical.through(window.height, window.stride, window.pad_top);
        field.horizontal = field.horizontal.through(window.width, window.stride, window.pad_left);
    }
    return field;
}

template <class Net>
constexpr ReceptiveField receptive_field(Shape input) {
    return receptive_field(describe<Net>(input), Flat<Net>::depth);
}

}  // namespace tessera
