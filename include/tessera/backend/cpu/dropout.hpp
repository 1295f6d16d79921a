// SPDX-License-Identifier: MIT
// Inverted dropout, four elements for each block of random numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/rectify.hpp"
#include "tessera/core/bfloat16.hpp"
#include "tessera/core/random.hpp"

namespace tessera::cpu {

/// DropoutOp of backend/concept.hpp, the same bits as reference::Dropout.
struct Dropout {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(Index n, double rate, const Stream& stream, const T* x, T* y,
                        std::uint8_t* mask) {
        if (!mask) {
            if (y != x) std::copy_n(x, n, y);
            return;
        }
        const auto factor = static_cast<Master<T>>(1 / (1 - rate));
        // bits / 2^24 >= rate is bits >= ceil(rate * 2^24), as the product is exact.
        const auto threshold = static_cast<std::uint32_t>(std::ceil(rate * 0x1p24));
        parallel_for((n + 3) / 4, threads_for(n, max_threads()), [&](Index begin, Index end, int) {
            for (Index block = begin; block < end; ++block) {
                const RandomBlock words = random_block(stream, static_cast<std::uint32_t>(block));
                const Index last = std::min(n, block * 4 + 4);
                for (Index i = block * 4; i < last; ++i) {
                    mask[i] = (words[static_cast<std::size_t>(i % 4)] >> 8) >= threshold;
                    y[i] = mask[i] ? static_cast<T>(x[i] * factor) : T{};
                }
            }
        });
    }

    template <class T>
    static void backward(Index n, double rate, const std::uint8_t* mask, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        const auto factor = static_cast<Master<T>>(1 / (1 - rate));
        parallel_for(n, threads_for(n, max_threads()), [&](Index begin, Index end, int) {
            const std::uint8_t* kept = mask + begin;
            const T* gradient = dy + begin;
            compute_run(end - begin, dx + begin, [=](Index i) {
                const Master<T> passed = gradient[i] * factor;
                return kept[i] ? passed : Master<T>{0};
            });
            if (rectified) rectify_gradient(end - begin, rectified + begin, dx + begin);
        });
    }
};

}  // namespace tessera::cpu
