// SPDX-License-Identifier: MIT
// Shape: the extents of one sample, the value every constexpr question in the library starts from.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tessera {

/// Signed counts and offsets, in elements unless a name says bytes.
using Index = std::ptrdiff_t;

/// An extent that is known only at run time: height or width of a fully convolutional network.
inline constexpr int dynamic = -1;

/// One sample in memory order height, width, channels; the batch is a run-time number kept
/// elsewhere. Structural, so it can be a template argument: `Model<Net, Shape{3, 224, 224}, Cpu>`.
struct Shape {
    int channels = 0;
    int height = 1;
    int width = 1;

    friend constexpr bool operator==(const Shape&, const Shape&) = default;

    /// Every extent is at least 1, or `dynamic` where that is allowed.
    constexpr bool valid() const {
        return channels >= 1 && (height >= 1 || height == dynamic) &&
               (width >= 1 || width == dynamic);
    }
    /// Height and width are numbers, not `dynamic`.
    constexpr bool known() const { return height != dynamic && width != dynamic; }
    /// Elements per sample. requires known().
    constexpr Index size() const { return Index{channels} * height * width; }
    /// Positions per channel. requires known().
    constexpr Index area() const { return Index{height} * width; }
};

}  // namespace tessera
