// SPDX-License-Identifier: MIT
// Where the windows of pooling lie, for kernels whose threads have a pack of channels of one pixel.
#pragma once

#include "tessera/backend/cuda/divide.cuh"
#include "tessera/backend/cuda/divisor.cuh"
#include "tessera/backend/geometry.hpp"

namespace tessera::cuda {

/// first .. last - 1; empty where last <= first.
struct Range {
    int first, last;
};

/// The pixels of one axis that lie in window number `window`.
__device__ inline Range pixels_of(int window, int stride, int pad, int size, int pixels) {
    const int first = window * stride - pad, last = first + size;
    return {first > 0 ? first : 0, last < pixels ? last : pixels};
}

/// The windows of one axis that hold pixel number `pixel`.
__device__ inline Range windows_of(int pixel, int stride, int pad, int size, int windows) {
    const int at = pixel + pad;  // from the first pixel of window 0
    const int last = at / stride + 1;
    return {at < size ? 0 : (at - size) / stride + 1, last < windows ? last : windows};
}
__device__ inline Range windows_of(int pixel, const Divisor& stride, int pad, int size,
                                   int windows) {
    const int at = pixel + pad, last = stride.quotient(at) + 1;
    return {at < size ? 0 : stride.quotient(at - size) + 1, last < windows ? last : windows};
}

/// A pack of channels of one pixel of a batch.
struct PixelPack {
    Index image;
    int row, column, channel;
};

/// Pack number `pack` of a batch of images of `shape`.
template <int Width>
__device__ PixelPack pixel_pack(Index pack, const Shape& shape) {
    const Divided pixel = divide(pack, shape.channels / Width);
    const Divided row = divide(pixel.quotient, shape.width);
    const Divided image = divide(row.quotient, shape.height);
    return {image.quotient, image.remainder, row.remainder, pixel.remainder * Width};
}

}  // namespace tessera::cuda
