// SPDX-License-Identifier: MIT
// Images of 1 to 3 channels with a fourth of noughts, so that a pixel is 8 bytes of Bf16 and can be
// copied as one piece; the same for the weights that meet them, and the way back for their
// gradient.
#pragma once

#include "tessera/backend/cuda/divisor.cuh"
#include "tessera/core/bfloat16.hpp"

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

}  // namespace tessera::cuda
