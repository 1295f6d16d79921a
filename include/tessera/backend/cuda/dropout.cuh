// SPDX-License-Identifier: MIT
// Inverted dropout: kept elements grow by 1 / (1 - rate), so that inference does nothing. A thread
// has the four elements of one block of random numbers, in bfloat16 too: 8 bytes a thread are 16 kB
// of reads in flight on a multiprocessor, enough where most of what is moved is written. Reads each
// number once and writes it and its mask, or reads both back: 9 bytes an element either way, 5 in
// bfloat16.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "tessera/backend/cuda/philox.cuh"
#include "tessera/backend/cuda/rectify_gradient.cuh"
#include "tessera/backend/cuda/wide.cuh"

namespace tessera::cuda {

template <class T>
struct DropoutForward {
    Index elements;
    std::uint32_t least;  ///< what the 24 bits of a kept element are at least
    Wide<T> factor;
    Stream stream;
    bool in_packs;
    const T* x;
    T* y;
    std::uint8_t* mask;

    __device__ void operator()() const {
        const Index block = global_thread(), i = block * 4;
        if (i >= elements) return;
        const auto words = random_words(stream, static_cast<std::uint32_t>(block));
        auto values = detail::load_four(x + i, elements - i, in_packs);
        Pack<std::uint8_t, 4> kept;
        for (int k = 0; k < 4; ++k) {
            kept[k] = words[k] >> 8 >= least;
            values[k] = kept[k] ? rounded<T>(widened(values[k]) * factor) : T{};
        }
        detail::store_four(y + i, values, elements - i, in_packs);
        detail::store_four(mask + i, kept, elements - i, in_packs);
    }
};

template <class T>
struct DropoutBackward {
    Index elements;
    Wide<T> factor;
    bool in_packs;
    const std::uint8_t* mask;
    const T* dy;
    const T* rectified;
    T* dx;

    __device__ void operator()() const {
        const Index i = global_thread() * 4;
        if (i >= elements) return;
        const auto kept = detail::load_four(mask + i, elements - i, in_packs);
        auto values = detail::load_four(dy + i, elements - i, in_packs);
        for (int k = 0; k < 4; ++k)
            values[k] = kept[k] ? rounded<T>(widened(values[k]) * factor) : T{};
        if (rectified)
            rectify_gradient(values, detail::load_four(rectified + i, elements - i, in_packs));
        detail::store_four(dx + i, values, elements - i, in_packs);
    }
};

/// DropoutOp of backend/concept.hpp. A dropped element is 0 even where x is not finite.
struct Dropout {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(Index n, double rate, const Stream& stream, const T* x, T* y,
                        std::uint8_t* mask) {
        if (!mask) {
            if (y != x) DeviceMemory::copy(y, x, static_cast<std::size_t>(n) * sizeof(T));
            return;
        }
        // unit_interval(word) >= rate, in whole numbers: both sides times 2^24 are exact.
        const double least = std::clamp(std::ceil(rate * 0x1p24), 0.0, 0x1p24);
        launch("dropout", blocks_for((n + 3) / 4), default_threads,
               DropoutForward<T>{n, static_cast<std::uint32_t>(least), factor<T>(rate), stream,
                                 detail::can_pack<T>(pack_width<T>, x, y, mask), x, y, mask});
    }

    template <class T>
    static void backward(Index n, double rate, const std::uint8_t* mask, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        launch("dropout backward", blocks_for((n + 3) / 4), default_threads,
               DropoutBackward<T>{n, factor<T>(rate),
                                  detail::can_pack<T>(pack_width<T>, mask, dy, rectified, dx), mask,
                                  dy, rectified, dx});
    }

private:
    template <class T>
    static Wide<T> factor(double rate) {
        return static_cast<Wide<T>>(1 / (1 - rate));
    }
};

}  // namespace tessera::cuda
