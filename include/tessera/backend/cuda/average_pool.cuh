// SPDX-License-Identifier: MIT
// Mean over the part of a window that lies inside the input, channel by channel. As max_pool.cuh:
// a thread has a pack of channels of one output, or back of one input, whose windows it asks.
// Memory moves input and output once, 4 bytes an element each, or 2 in bfloat16.
#pragma once

#include <type_traits>

#include "tessera/backend/cuda/pool_window.cuh"
#include "tessera/backend/cuda/rectify_gradient.cuh"
#include "tessera/backend/cuda/wide.cuh"

namespace tessera::cuda {

template <class T, int Width>
struct AveragePoolForward {
    using W = Wide<T>;
    Index packs;
    PoolGeometry g;
    const T* x;
    T* y;

    __device__ void operator()() const {
        const Index pack = global_thread();
        if (pack >= packs) return;
        const auto [image, row, column, channel] = pixel_pack<Width>(pack, g.output);
        const SlidingWindow& w = g.window;
        const Range rows = pixels_of(row, w.stride, w.pad_top, w.height, g.input.height);
        const Range columns = pixels_of(column, w.stride, w.pad_left, w.width, g.input.width);
        const Index first = image * g.input.height * g.input.width;

        Pack<W, Width> sums{};
        for (int iy = rows.first; iy < rows.last; ++iy) {
            for (int ix = columns.first; ix < columns.last; ++ix) {
                const Index pixel = first + iy * g.input.width + ix;
                const auto values = load_wide<Width>(x + pixel * g.input.channels + channel);
                for (int k = 0; k < Width; ++k) sums[k] += values[k];
            }
        }
        const int count = (rows.last - rows.first) * (columns.last - columns.first);
        const bool empty = rows.first >= rows.last || columns.first >= columns.last;
        const W part = empty ? W{0} : 1 / static_cast<W>(count);
        for (W& sum : sums.values) sum *= part;
        store_rounded(y + pack * Width, sums);
    }
};

template <class T, int Width>
struct AveragePoolBackward {
    using W = Wide<T>;
    Index packs;
    PoolGeometry g;
    const T* dy;
    const T* rectified;
    T* dx;

    __device__ void operator()() const {
        const Index pack = global_thread();
        if (pack >= packs) return;
        const auto [image, row, column, channel] = pixel_pack<Width>(pack, g.input);
        const SlidingWindow& w = g.window;
        const Range rows = windows_of(row, w.stride, w.pad_top, w.height, g.output.height);
        const Range columns = windows_of(column, w.stride, w.pad_left, w.width, g.output.width);
        const Index first = image * g.output.height * g.output.width;

        Pack<W, Width> sums{};
        for (int oy = rows.first; oy < rows.last; ++oy) {
            const Range high = pixels_of(oy, w.stride, w.pad_top, w.height, g.input.height);
            for (int ox = columns.first; ox < columns.last; ++ox) {
                const Range wide = pixels_of(ox, w.stride, w.pad_left, w.width, g.input.width);
                const int count = (high.last - high.first) * (wide.last - wide.first);
                const W part = 1 / static_cast<W>(count);
                const Index window = first + oy * g.output.width + ox;
                const auto gradients = load_wide<Width>(dy + window * g.output.channels + channel);
                for (int k = 0; k < Width; ++k) sums[k] += gradients[k] * part;
            }
        }
        if (rectified) rectify_gradient(sums, load<Width>(rectified + pack * Width));
        store_rounded(dx + pack * Width, sums);
    }
};

/// AveragePoolOp of backend/concept.hpp. A window that holds no input at all gives 0.
struct AveragePool {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(const PoolGeometry& g, const T* x, T* y) {
        with_width<T>(
            g.input.channels,
            [&](auto width) {
                const Index packs = g.batch * g.output.size() / width;
                launch("average_pool", blocks_for(packs), default_threads,
                       AveragePoolForward<T, width>{packs, g, x, y});
            },
            x, y);
    }

    template <class T>
    static void backward(const PoolGeometry& g, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        with_width<T>(
            g.input.channels,
            [&](auto width) {
                const Index packs = g.batch * g.input.size() / width;
                launch("average_pool backward", blocks_for(packs), default_threads,
                       AveragePoolBackward<T, width>{packs, g, dy, rectified, dx});
            },
            dy, rectified, dx);
    }
};

}  // namespace tessera::cuda
