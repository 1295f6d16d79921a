// SPDX-License-Identifier: MIT
// Inverted dropout, four elements for each block of random numbers.
//
// The ten rounds of Philox are the limit: 0.24 ms for the masks and outputs of 128 x 4,096 numbers,
// 19 GB/s, and 0.06 ms back, where the masks are read (two cores of Zen 5, bench_op_ops).
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/random_lanes.hpp"
#include "tessera/backend/cpu/rectify.hpp"
#include "tessera/core/bfloat16.hpp"
#include "tessera/core/random.hpp"
#include "tessera/core/with_instructions.hpp"

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
        parallel_for((n + group - 1) / group, threads_for(n, max_threads()),
                     [&](Index begin, Index end, int) {
                         const Index first = begin * group,
                                     count = std::min(n, end * group) - first;
                         with_instructions([&](auto bytes) {
                             draw_mask<bytes>(stream, first, count, threshold, mask + first);
                         });
                         keep(count, factor, mask + first, x + first, y + first);
                     });
    }

    template <class T>
    static void backward(Index n, double rate, const std::uint8_t* mask, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        const auto factor = static_cast<Master<T>>(1 / (1 - rate));
        parallel_for(n, threads_for(n, max_threads()), [&](Index begin, Index end, int) {
            keep(end - begin, factor, mask + begin, dy + begin, dx + begin);
            if (rectified) rectify_gradient(end - begin, rectified + begin, dx + begin);
        });
    }

private:
    static constexpr Index group = 64;  // elements that whole vectors of any size make

    /// The mask of elements first, first + 1, ..., of which the first is that of a group.
    template <int Bytes>
    [[gnu::always_inline]] static inline void draw_mask(const Stream& stream, Index first,
                                                        Index count, std::uint32_t threshold,
                                                        std::uint8_t* mask) {
        using Lanes = RandomLanes<Bytes>;
        using Words = typename Lanes::Words;
        for (Index i = 0; i < count; i += Bytes) {
            Words words[4];
            Lanes::draw(stream, static_cast<std::uint32_t>((first + i) / 4), words);
            // A lane holds the masks of a block: the byte of element j is the j-th in memory.
            Words masks{};
            for (int j = 0; j < 4; ++j) {
                const auto dropped = reinterpret_cast<Words>(words[j] >> 8 < threshold);
                masks |= (dropped + 1) << 8 * j;
            }
            std::memcpy(mask + i, &masks,
                        static_cast<std::size_t>(std::min<Index>(Bytes, count - i)));
        }
    }

    /// y[i] = kept[i] ? x[i] * factor : 0. By bits, as compilers make branches of the question.
    template <class T>
    static void keep(Index n, Master<T> factor, const std::uint8_t* kept, const T* x, T* y) {
        using Number = Master<T>;
        using Bits = std::conditional_t<sizeof(Number) == 8, std::uint64_t, std::uint32_t>;
        compute_run(n, y, [=](Index i) {
            const auto bits = std::bit_cast<Bits>(static_cast<Number>(x[i] * factor));
            return std::bit_cast<Number>(bits & (Bits{0} - kept[i]));
        });
    }
};

}  // namespace tessera::cpu
