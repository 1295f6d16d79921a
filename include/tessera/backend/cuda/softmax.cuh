// SPDX-License-Identifier: MIT
// Softmax over the channels of each position. A warp has a row, so that its sums need no barrier.
// A row comes from memory once, 8 bytes an element forward and 12 back, half of it in bfloat16;
// that it is read again is left to the caches.
#pragma once

#include <cmath>

#include "tessera/backend/cuda/warp.cuh"
#include "tessera/backend/cuda/wide.cuh"

namespace tessera::cuda {

namespace detail {
/// Calls visit(c) for the first channels of the packs of the running lane.
template <int Width, class Visit>
__device__ void each_pack_of_lane(Index channels, const Visit& visit) {
    for (Index c = lane() * Width; c < channels; c += lanes * Width) visit(c);
}
}  // namespace detail

/// y = exp(x - max x) / sum of exp(x - max x)
template <class T, int Width>
struct SoftmaxForward {
    using W = Wide<T>;
    Index rows;
    Index channels;
    const T* x;
    T* y;

    __device__ void operator()() const {
        const Index row = global_warp();
        if (row >= rows) return;  // the whole warp
        const T* from = x + row * channels;
        T* to = y + row * channels;
        W top = static_cast<W>(-INFINITY);
        detail::each_pack_of_lane<Width>(channels, [&](Index c) {
            const Pack<W, Width> values = load_wide<Width>(from + c);
            for (const W value : values.values) top = value > top ? value : top;
        });
        top = warp_max(top);
        W sum = 0;
        detail::each_pack_of_lane<Width>(channels, [&](Index c) {
            const Pack<W, Width> values = load_wide<Width>(from + c);
            for (const W value : values.values) sum += std::exp(value - top);
        });
        const W factor = 1 / warp_sum(sum);
        detail::each_pack_of_lane<Width>(channels, [&](Index c) {
            Pack<W, Width> values = load_wide<Width>(from + c);
            for (W& value : values.values) value = std::exp(value - top) * factor;
            store_rounded(to + c, values);
        });
    }
};

/// dx = y * (dy - sum of y * dy)
template <class T, int Width>
struct SoftmaxBackward {
    using W = Wide<T>;
    static constexpr int threads = default_threads;  // registers for packs of double
    Index rows;
    Index channels;
    const T* y;
    const T* dy;
    T* dx;

    __device__ void operator()() const {
        const Index row = global_warp();
        if (row >= rows) return;  // the whole warp
        const T* outputs = y + row * channels;
        const T* gradients = dy + row * channels;
        T* to = dx + row * channels;
        W sum = 0;
        detail::each_pack_of_lane<Width>(channels, [&](Index c) {
            const Pack<W, Width> output = load_wide<Width>(outputs + c);
            const Pack<W, Width> gradient = load_wide<Width>(gradients + c);
            for (int k = 0; k < Width; ++k) sum += output[k] * gradient[k];
        });
        const W shared = warp_sum(sum);
        detail::each_pack_of_lane<Width>(channels, [&](Index c) {
            const Pack<W, Width> output = load_wide<Width>(outputs + c);
            Pack<W, Width> gradient = load_wide<Width>(gradients + c);
            for (int k = 0; k < Width; ++k) gradient[k] = output[k] * (gradient[k] - shared);
            store_rounded(to + c, gradient);
        });
    }
};

/// SoftmaxOp of backend/concept.hpp. A NaN makes its whole row NaN.
struct Softmax {
    template <class T>
    static void forward(Index rows, Index channels, const T* x, T* y) {
        with_width<T>(
            channels,
            [&](auto width) {
                launch("softmax", blocks_for(rows * lanes), default_threads,
                       SoftmaxForward<T, width>{rows, channels, x, y});
            },
            x, y);
    }

    template <class T>
    static void backward(Index rows, Index channels, const T* y, const T* dy, T* dx) {
        if (!dx) return;
        with_width<T>(
            channels,
            [&](auto width) {
                launch("softmax backward", blocks_for(rows * lanes), default_threads,
                       SoftmaxBackward<T, width>{rows, channels, y, dy, dx});
            },
            y, dy, dx);
    }
};

}  // namespace tessera::cuda
