// SPDX-License-Identifier: MIT
// Response normalisation across channels, in one pass. A thread has a pack of channels and reads
// the packs before and after it too, which its neighbours bring to the cache: 12 bytes an element
// forward, 20 back. Windows that reach further, or into parts of packs, go number by number.
#pragma once

#include <type_traits>

#include "tessera/backend/cuda/channel_window.cuh"
#include "tessera/backend/cuda/divide.cuh"
#include "tessera/backend/cuda/inverse_power.cuh"
#include "tessera/backend/geometry.hpp"

namespace tessera::cuda {

/// scale = k + alpha * sum of x^2,  y = x * scale^-beta
template <class T, int Width>
struct LrnForward {
    Index packs;
    int channels, before, after;
    T alpha, k;
    InversePower<T> power;
    const T* x;
    T* y;
    T* scale;

    __device__ void operator()() const {
        const Index at = global_thread() * Width;
        if (at >= packs * Width) return;
        const int first = divide(at, channels).remainder;
        const T* row = x + (at - first);
        const auto squares = [row](auto width, int j) {
            auto values = load<decltype(width)::value>(row + j);
            for (T& value : values.values) value *= value;
            return values;
        };
        auto scales = window_sums<Width, T>(first, channels, before, after, squares);
        Pack<T, Width> values = load<Width>(x + at);
        for (int i = 0; i < Width; ++i) {
            scales[i] = k + alpha * scales[i];
            values[i] *= power(scales[i]);
        }
        store(y + at, values);
        if (scale) store(scale + at, scales);
    }
};

/// dx[i] = dy[i] * scale[i]^-beta
///         - 2 * alpha * beta * x[i] * sum over j whose window holds i of dy[j] y[j] / scale[j]
template <class T, int Width>
struct LrnBackward {
    Index packs;
    int channels, before, after;
    T factor;  ///< 2 * alpha * beta
    InversePower<T> power;
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
            auto values = load<count>(dy + row + j);
            const auto outputs = load<count>(y + row + j), scales = load<count>(scale + row + j);
            for (int i = 0; i < count; ++i) values[i] *= outputs[i] / scales[i];
            return values;
        };
        const auto sums = window_sums<Width, T>(first, channels, before, after, quotients);
        const Pack<T, Width> inputs = load<Width>(x + at), scales = load<Width>(scale + at);
        Pack<T, Width> gradients = load<Width>(dy + at);
        for (int i = 0; i < Width; ++i) {
            gradients[i] = gradients[i] * power(scales[i]) - factor * inputs[i] * sums[i];
        }
        store(dx + at, gradients);
    }
};

/// LrnOp of backend/concept.hpp. The window of channel i is i - size / 2 .. i + (size - 1) / 2.
struct Lrn {
    template <class T>
    static void forward(const LrnGeometry& g, const T* x, T* y, std::type_identity_t<T>* scale) {
        const int channels = g.shape.channels;
        with_width<T>(
            row_of_packs<T>(g),
            [&](auto width) {
                const Index packs = g.batch * g.shape.size() / width;
                launch("lrn", blocks_for(packs), default_threads,
                       LrnForward<T, width>{packs,
                                            channels,
                                            g.size / 2,
                                            (g.size - 1) / 2,
                                            static_cast<T>(g.alpha),
                                            static_cast<T>(g.k),
                                            {static_cast<T>(g.beta)},
                                            x,
                                            y,
                                            scale});
            },
            x, y, scale);
    }

    template <class T>
    static void backward(const LrnGeometry& g, const T* x, const T* y, const T* scale, const T* dy,
                         T* dx) {
        if (!dx) return;
        const int channels = g.shape.channels;
        const T factor = static_cast<T>(2 * g.alpha * g.beta);
        with_width<T>(
            row_of_packs<T>(g),
            [&](auto width) {
                const Index packs = g.batch * g.shape.size() / width;
                launch("lrn backward", blocks_for(packs), default_threads,
                       LrnBackward<T, width>{packs,
                                             channels,
                                             (g.size - 1) / 2,
                                             g.size / 2,
                                             factor,
                                             {static_cast<T>(g.beta)},
                                             x,
                                             y,
                                             scale,
                                             dy,
                                             dx});
            },
            x, y, scale, dy, dx);
    }

private:
    /// The length of a row for with_width: 1, which is no pack, where a window reaches beyond the
    /// packs next to its own.
    template <class T>
    static Index row_of_packs(const LrnGeometry& g) {
        return g.size / 2 <= pack_width<T> ? g.shape.channels : 1;
    }
};

}  // namespace tessera::cuda
