// SPDX-License-Identifier: MIT
// Maximum over a window, channel by channel. Forward, a thread has a pack of channels of one
// output; windows overlap in the caches, so that memory moves the input once and 8 bytes an output
// (6 in bfloat16, which is compared as float).
// Back, a thread has a pack of one input and asks the windows that hold it, in row order: no two
// threads write the same gradient, and no order is left to chance.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "tessera/backend/cuda/pool_window.cuh"
#include "tessera/backend/cuda/rectify_gradient.cuh"
#include "tessera/backend/cuda/wide.cuh"

namespace tessera::cuda {

/// The maximum of the packs it meets, number by number, and the position of each; a NaN wins, of
/// equals the first.
template <class W, int Width>
struct RunningMaximum {
    Pack<W, Width> best;
    Pack<std::int32_t, Width> chosen;

    /// The first position it will meet, or what stands for none, with 0, where there is nothing.
    __device__ RunningMaximum(bool empty, int first) {
        for (int k = 0; k < Width; ++k) {
            best[k] = empty ? W{0} : static_cast<W>(-INFINITY);
            chosen[k] = first;
        }
    }
    __device__ void meet(const Pack<W, Width>& values, int position) {
        for (int k = 0; k < Width; ++k) {
            // The comparison is false for NaN, which so wins, and then stays.
            if (best[k] == best[k] && !(values[k] <= best[k])) {
                best[k] = values[k];
                chosen[k] = position;
            }
        }
    }
};

template <class T, int Width>
struct MaxPoolForward {
    using W = Wide<T>;
    Index packs;
    PoolGeometry g;
    const T* x;
    T* y;
    std::int32_t* argmax;

    __device__ void operator()() const {
        const Index pack = global_thread();
        if (pack >= packs) return;
        const auto [image, row, column, channel] = pixel_pack<Width>(pack, g.output);
        const SlidingWindow& w = g.window;
        const Range rows = pixels_of(row, w.stride, w.pad_top, w.height, g.input.height);
        const Range columns = pixels_of(column, w.stride, w.pad_left, w.width, g.input.width);
        const bool empty = rows.first >= rows.last || columns.first >= columns.last;
        const int pixels = g.input.height * g.input.width;
        const T* from = x + image * pixels * g.input.channels + channel;

        RunningMaximum<W, Width> maximum(empty,
                                         empty ? -1 : rows.first * g.input.width + columns.first);
        for (int iy = rows.first; iy < rows.last; ++iy) {
            for (int ix = columns.first; ix < columns.last; ++ix) {
                const int position = iy * g.input.width + ix;
                maximum.meet(load_wide<Width>(from + Index{position} * g.input.channels), position);
            }
        }
        store_rounded(y + pack * Width, maximum.best);
        if (argmax) store(argmax + pack * Width, maximum.chosen);
    }
};

template <class T, int Width>
struct MaxPoolBackward {
    using W = Wide<T>;
    Index packs;
    PoolGeometry g;
    const std::int32_t* argmax;
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
        const int position = row * g.input.width + column;
        const Index outputs = image * g.output.height * g.output.width;

        Pack<W, Width> sums{};
        for (int oy = rows.first; oy < rows.last; ++oy) {
            for (int ox = columns.first; ox < columns.last; ++ox) {
                const Index at = (outputs + oy * g.output.width + ox) * g.output.channels + channel;
                const auto chosen = load<Width>(argmax + at);
                const auto gradients = load_wide<Width>(dy + at);
                for (int k = 0; k < Width; ++k) {
                    if (chosen[k] == position) sums[k] += gradients[k];
                }
            }
        }
        if (rectified) rectify_gradient(sums, load<Width>(rectified + pack * Width));
        store_rounded(dx + pack * Width, sums);
    }
};

/// MaxPoolOp of backend/concept.hpp. A window that holds no input at all gives 0 with argmax -1.
struct MaxPool {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(const PoolGeometry& g, const T* x, T* y, std::int32_t* argmax) {
        with_width<T>(
            g.input.channels,
            [&](auto width) {
                const Index packs = g.batch * g.output.size() / width;
                launch("max_pool", blocks_for(packs), default_threads,
                       MaxPoolForward<T, width>{packs, g, x, y, argmax});
            },
            x, y, argmax);
    }

    template <class T>
    static void backward(const PoolGeometry& g, const std::int32_t* argmax, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        with_width<T>(
            g.input.channels,
            [&](auto width) {
                const Index packs = g.batch * g.input.size() / width;
                launch("max_pool backward", blocks_for(packs), default_threads,
                       MaxPoolBackward<T, width>{packs, g, argmax, dy, rectified, dx});
            },
            argmax, dy, rectified, dx);
    }
};

}  // namespace tessera::cuda
