// SPDX-License-Identifier: MIT
// Response normalisation across channels, in one pass. A thread has a pack of channels and reads up
// to four on either side too, which its neighbours bring to the cache: 12 bytes an element forward,
// 20 back, half of it in bfloat16. Windows that reach further, or into parts of packs, go number by
// number.
//
// In bfloat16 y and scale are rounded where they are stored, so that a gradient is off by up to 6
// thousandths of the largest one, where its own rounding alone costs 2 to 3.
#pragma once

#include <type_traits>

#include "tessera/backend/cuda/channel_window.cuh"
#include "tessera/backend/cuda/divide.cuh"
#include "tessera/backend/cuda/inverse_power.cuh"
#include "tessera/backend/cuda/rectify_gradient.cuh"
#include "tessera/backend/cuda/wide.cuh"
#include "tessera/backend/geometry.hpp"

namespace tessera::cuda {

/// scale = k + alpha * sum of x^2
template <class T>
struct LrnScales {
    using W = Wide<T>;
    int channels, before, after;
    W alpha, k;

    explicit LrnScales(const LrnGeometry& g)
        : channels(g.shape.channels),
          before(g.size / 2),
          after((g.size - 1) / 2),
          alpha(static_cast<W>(g.alpha)),
          k(static_cast<W>(g.k)) {}

    /// Of the pack of channels that begins at `first` of the pixel at `row`.
    template <int Width>
    __device__ Pack<W, Width> at(const T* row, int first) const {
        const auto squares = [row](auto width, int j) {
            auto values = load_wide<decltype(width)::value>(row + j);
            for (W& value : values.values) value *= value;
            return values;
        };
        auto scales = window_sums<Width, W>(first, channels, before, after, squares);
        for (W& scale : scales.values) scale = k + alpha * scale;
        return scales;
    }
};

/// y = x * scale^-beta
template <class T, int Width>
struct LrnForward {
    using W = Wide<T>;
    Index packs;
    LrnScales<T> window;
    InversePower<W> power;
    const T* x;
    T* y;
    T* scale;

    __device__ void operator()() const {
        const Index at = global_thread() * Width;
        if (at >= packs * Width) return;
        const int first = divide(at, window.channels).remainder;
        const auto scales = window.template at<Width>(x + (at - first), first);
        Pack<W, Width> values = load_wide<Width>(x + at);
        const Pack<W, Width> powers = power(scales);
        for (int i = 0; i < Width; ++i) values[i] *= powers[i];
        store_rounded(y + at, values);
        if (scale) store_rounded(scale + at, scales);
    }
};

/// dx[i] = dy[i] * scale[i]^-beta
///         - 2 * alpha * beta * x[i] * sum over j whose window holds i of dy[j] y[j] / scale[j]
template <class T, int Width>
struct LrnBackward {
    static constexpr int threads = default_threads;  // registers: bounds for 1024 threads spill
    using W = Wide<T>;
    Index packs;
    int channels, before, after;
    W factor;  ///< 2 * alpha * beta
    InversePower<W> power;
    bool rectified;
    const T* x;
    const T* y;
    const T* scale;
    const T* dy;
    T* dx;

    __device__ void operator()() const {
        const Index at = global_thread() * Width;
        if (at >= packs * Width) return;
        const int first = divide(at, channels).remainder;
        const Index row = at - first;
        const auto quotients = [this, row](auto width, int j) {
            constexpr int count = decltype(width)::value;
            auto values = load_wide<count>(dy + row + j);
            const auto outputs = load_wide<count>(y + row + j);
            const auto scales = load_wide<count>(scale + row + j);
            for (int i = 0; i < count; ++i) values[i] *= outputs[i] / scales[i];
            return values;
        };
        const auto sums = window_sums<Width, W>(first, channels, before, after, quotients);
        const Pack<W, Width> inputs = load_wide<Width>(x + at);
        const Pack<W, Width> powers = power(load_wide<Width>(scale + at));
        Pack<W, Width> gradients = load_wide<Width>(dy + at);
        for (int i = 0; i < Width; ++i) {
            gradients[i] = gradients[i] * powers[i] - factor * inputs[i] * sums[i];
        }
        if (rectified) rectify_gradient(gradients, inputs);
        store_rounded(dx + at, gradients);
    }
};

/// The length of a row for with_width: 1, which is no pack, where a window reaches beyond what a
/// thread of packs reads.
template <class T>
Index lrn_row(const LrnGeometry& g) {
    return g.size / 2 <= window_reach<pack_width<T>> ? g.shape.channels : 1;
}

/// LrnOp of backend/concept.hpp. The window of channel i is i - size / 2 .. i + (size - 1) / 2.
struct Lrn {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(const LrnGeometry& g, const T* x, T* y, std::type_identity_t<T>* scale) {
        with_width<T>(
            lrn_row<T>(g),
            [&](auto width) {
                const Index packs = g.batch * g.shape.size() / width;
                launch("lrn", blocks_for(packs), default_threads,
                       LrnForward<T, width>{
                           packs, LrnScales<T>(g), {static_cast<Wide<T>>(g.beta)}, x, y, scale});
            },
            x, y, scale);
    }

    template <class T>
    static void backward(const LrnGeometry& g, const T* x, const T* y, const T* scale, const T* dy,
                         T* dx, const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        const int channels = g.shape.channels;
        const Wide<T> factor = static_cast<Wide<T>>(2 * g.alpha * g.beta);
        with_width<T>(
            lrn_row<T>(g),
            [&](auto width) {
                const Index packs = g.batch * g.shape.size() / width;
                launch("lrn backward", blocks_for(packs), default_threads,
                       LrnBackward<T, width>{packs,
                                             channels,
                                             (g.size - 1) / 2,
                                             g.size / 2,
                                             factor,
                                             {static_cast<Wide<T>>(g.beta)},
                                             rectified != nullptr,
                                             x,
                                             y,
                                             scale,
                                             dy,
                                             dx});
            },
            x, y, scale, dy, dx);
    }
};

}  // namespace tessera::cuda
