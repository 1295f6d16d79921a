// SPDX-License-Identifier: MIT
// Images of 1 to 3 channels with a fourth of noughts, so that a pixel is 8 bytes of Bf16 and can be
// copied as one piece; the same for the weights that meet them, and the way back for their
// gradient.
#pragma once

#include <type_traits>

#include "tessera/backend/cuda/divisor.cuh"
#include "tessera/backend/geometry.hpp"
#include "tessera/core/bfloat16.hpp"
#include "tessera/core/buffer.hpp"

namespace tessera::cuda {

inline constexpr int padded_channels = 4;

/// to (outer, 4, inner) = from (outer, channels, inner), nought for the channels that lack.
struct PadChannels {
    Index outer;
    int channels, inner;
    Divisor by_inner;
    const Bf16* from;
    Bf16* to;

    __device__ void operator()() const {
        const Index i = global_thread();
        if (i >= outer * inner) return;
        const Index line = i < 0x7FFFFFFF ? by_inner.quotient(static_cast<int>(i)) : i / inner;
        const Index place = i - line * inner;
        for (int c = 0; c < padded_channels; ++c) {
            Bf16 value;
            value.bits = 0;
            if (c < channels) value = from[(line * channels + c) * inner + place];
            to[(line * padded_channels + c) * inner + place] = value;
        }
    }
};

/// to (outer, channels, inner) += the channels there are of from (outer, 4, inner).
struct AddUnpadded {
    Index outer;
    int channels, inner;
    const float* from;
    float* to;

    __device__ void operator()() const {
        const Index i = global_thread();
        if (i >= outer * inner) return;
        const Index line = i / inner, place = i % inner;
        for (int c = 0; c < channels; ++c) {
            to[(line * channels + c) * inner + place] +=
                from[(line * padded_channels + c) * inner + place];
        }
    }
};

inline void pad_channels(Index outer, int channels, int inner, const Bf16* from, Bf16* to) {
    launch("pad channels", blocks_for(outer * inner), default_threads,
           PadChannels{outer, channels, inner, Divisor(inner), from, to});
}

inline void add_unpadded(Index outer, int channels, int inner, const float* from, float* to) {
    launch("add unpadded", blocks_for(outer * inner), default_threads,
           AddUnpadded{outer, channels, inner, from, to});
}

/// A first layer, whose pixels can be copied as 8 bytes of Bf16.
inline bool has_few_channels(const ConvGeometry& g) {
    return g.groups == 1 && g.input.channels <= padded_channels;
}
/// Places in a window.
inline Index taps(const ConvGeometry& g) { return Index{g.window.height} * g.window.width; }

/// Working memory, in this order: the image with padded channels, the weights, their gradient,
/// where there is padding; then partial sums.
template <class T>
struct PaddedParts {
    bool pads;
    ConvGeometry geometry;  ///< with as many channels as pixels have in the end
    std::size_t weights = 0, gradient = 0, partials = 0;

    explicit PaddedParts(const ConvGeometry& g)
        : pads(std::is_same_v<T, Bf16> && has_few_channels(g) &&
               g.input.channels < padded_channels),
          geometry(g) {
        if (!pads) return;
        geometry.input.channels = padded_channels;
        const Index count = geometry.depth() * g.output.channels;
        weights = bytes<T>(g.batch * geometry.input.size());
        gradient = weights + bytes<T>(count);
        partials = gradient + bytes<float>(count);
    }
    const T* padded_image(const ConvGeometry& g, const T* x, const Scratch& scratch) const {
        return padded(g.batch * g.input.area(), g.input.channels, 1, x, scratch.data);
    }
    const T* padded_weights(const ConvGeometry& g, const T* from, const Scratch& scratch) const {
        return padded(taps(g), g.input.channels, g.output.channels, from, scratch.data + weights);
    }
    float* gradient_in(const Scratch& scratch) const {
        return reinterpret_cast<float*>(scratch.data + gradient);
    }
    float* partials_in(const Scratch& scratch) const {
        return reinterpret_cast<float*>(scratch.data + partials);
    }

private:
    const T* padded(Index outer, int channels, int inner, const T* from, std::byte* to) const {
        if constexpr (std::is_same_v<T, Bf16>) {
            if (pads) {
                pad_channels(outer, channels, inner, from, reinterpret_cast<T*>(to));
                return reinterpret_cast<T*>(to);
            }
        }
        return from;
    }
    template <class Number>
    static std::size_t bytes(Index count) {
        return static_cast<std::size_t>(aligned(count * static_cast<Index>(sizeof(Number))));
    }
};

}  // namespace tessera::cuda
