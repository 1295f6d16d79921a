// SPDX-License-Identifier: MIT
// Maximum over a window, vectorised over the channels.
//
// Forward, a number of a window costs a load, a maximum and an addition that notices NaN, a
// comparison and a choice of its position, whether or not anybody asks for it: a user's compiler
// would pay for the loop without. Maxima that go through memory in each step took 0.97 ms for 0.33,
// 16 images of 96 x 55 x 55 on two cores of Zen 5 (bench_op_ops).
//
// Batches do not fit the caches: of 128 images of 96 x 55 x 55, 149 MB are read and 72 MB written,
// for which as much is read first. Two cores took 7 to 9 ms (maxima in memory: 16 to 25), and back,
// where 72 MB are read and 149 MB written, 5 to 9 ms. Neither fetching the rows of the next windows
// by hand nor writing past the caches made that shorter.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "tessera/backend/cpu/lanes.hpp"
#include "tessera/backend/cpu/pool_window.hpp"

namespace tessera::cpu {

/// MaxPoolOp of backend/concept.hpp. A window that holds no input at all gives 0 with argmax -1.
struct MaxPool {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(const PoolGeometry& g, const T* x, T* y, std::int32_t* argmax) {
        const auto compute_row = [&](auto bytes, Index at, Index image, Range rows)
            __attribute__((always_inline)) {
            const PoolAxis axis = columns_of(g);
            const Index channels = g.input.channels;
            const T* pixels = x + image * g.input.size();
            T* to = y + at * channels;
            std::int32_t* positions = argmax ? argmax + at * channels : nullptr;
            Master<T> seen[64 / sizeof(Master<T>)] = {};
            for (Index i = 0; i < axis.output; ++i, to += channels) {
                const Window<T> window{pixels, rows, axis.covered(i), axis.input, channels};
                if (window.empty()) std::fill_n(to, channels, T(0.0f));
                if (window.empty() && positions) std::fill_n(positions, channels, -1);
                if (!window.empty()) {
                    in_vectors<bytes, T>(
                        channels, [&](auto vectors, auto count, Index c)
                                      __attribute__((always_inline)) {
                                          compute(vectors, count, window, c, to, positions, seen);
                                      });
                }
                if (positions) positions += channels;
            }
            Master<T> sum = 0;
            for (const Master<T> part : seen) sum += part;
            if (sum != sum) compute_carefully(g, pixels, rows, at, y, argmax);
        };
        each_output_row(g, compute_row);
    }

    /// Each input position collects from the windows that hold it.
    template <class T>
    static void backward(const PoolGeometry& g, const std::int32_t* argmax, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        const auto compute_row = [&](auto bytes, Index at, Index image, Range rows)
            __attribute__((always_inline)) {
            const PoolAxis axis = columns_of(g);
            const Index channels = g.input.channels, pitch = axis.output * channels;
            const Index first = image * g.output.size();
            const T* gradients = dy + first;
            const std::int32_t* positions = argmax + first;
            const T* outputs = rectified ? rectified + at * channels : nullptr;
            T* to = dx + at * channels;
            auto position = static_cast<std::int32_t>(at - image * g.input.area());
            Range columns = axis.covering(0);
            for (Index i = 0; i < axis.input; ++position, axis.advance(columns, ++i)) {
                in_vectors<bytes, T>(
                    channels, [&](auto vectors, auto count,
                                  Index c) __attribute__((always_inline)) {
                        using V = decltype(vectors);
                        constexpr int n = count;
                        typename V::Lanes sums[n] = {};
                        for (Index oy = rows.begin; oy < rows.end; ++oy) {
                            for (Index ox = columns.begin; ox < columns.end; ++ox) {
                                const Index from = oy * pitch + ox * channels + c;
                                typename V::Integers chosen[n];
                                typename V::Lanes gradient[n];
#pragma GCC unroll 6
                                for (int v = 0; v < n; ++v) {
                                    V::load(positions + from + v * V::lanes, chosen[v]);
                                    V::load(gradients + from + v * V::lanes, gradient[v]);
                                }
                                const auto here = typename V::Integers{} +
                                                  after_loads<typename V::Integer>(position);
#pragma GCC unroll 6
                                for (int v = 0; v < n; ++v) {
                                    sums[v] +=
                                        chosen[v] == here ? gradient[v] : typename V::Lanes{};
                                }
                            }
                        }
                        store_gradient<V>(sums, outputs ? outputs + c : nullptr, to + c);
                    });
                to += channels;
                if (outputs) outputs += channels;
            }
        };
        each_input_row(g, compute_row);
    }

private:
    /// What a window covers of an image.
    template <class T>
    struct Window {
        const T* pixels;
        Range rows, columns;
        Index width, channels;

        bool empty() const { return rows.empty() || columns.empty(); }
    };

    /// Maxima of `count` vectors of channels from c on, and where they are. Comparisons with NaN
    /// are false: `seen` tells of one, to which all the values are added.
    template <class V, class Count, class T>
    [[gnu::always_inline]] static void compute(V, Count, const Window<T>& window, Index c, T* y,
                                               std::int32_t* argmax, Master<T>* seen) {
        using Lanes = typename V::Lanes;
        using Integers = typename V::Integers;
        constexpr int n = Count::value;
        const auto [pixels, rows, columns, width, channels] = window;
        const Index start = rows.begin * width + columns.begin;
        const Integers first = Integers{} + static_cast<typename V::Integer>(start);
        Lanes best[n], sum;
        Integers chosen[n];
#pragma GCC unroll 6
        for (int v = 0; v < n; ++v) {
            best[v] = Lanes{} - std::numeric_limits<Master<T>>::infinity();
            chosen[v] = Integers{};
        }
        std::memcpy(&sum, seen, sizeof sum);
        for (Index iy = rows.begin; iy < rows.end; ++iy) {
            Index at = iy * width + columns.begin;
            const T* from = pixels + at * channels + c;
            for (Index ix = columns.begin; ix < columns.end; ++ix, ++at, from += channels) {
                Lanes values[n], total{};
#pragma GCC unroll 6
                for (int v = 0; v < n; ++v) V::load(from + v * V::lanes, values[v]);
                const Integers position =
                    Integers{} + after_loads(static_cast<typename V::Integer>(at - start));
#pragma GCC unroll 6
                for (int v = 0; v < n; ++v) {
                    chosen[v] = values[v] > best[v] ? position : chosen[v];
                    best[v] = values[v] > best[v] ? values[v] : best[v];
                    total += values[v];
                }
                sum += total;
            }
        }
        std::memcpy(seen, &sum, sizeof sum);
#pragma GCC unroll 6
        for (int v = 0; v < n; ++v) {
            V::store(best[v], y + c + v * V::lanes);
            if (argmax) V::store(chosen[v] + first, argmax + c + v * V::lanes);
        }
    }

    /// A row of outputs, from `at` on, with a NaN among what it covers: it wins, and the first of
    /// several.
    template <class T>
    [[gnu::noinline]] static void compute_carefully(const PoolGeometry& g, const T* pixels,
                                                    Range rows, Index at, T* y,
                                                    std::int32_t* argmax) {
        const Index channels = g.input.channels;
        for (Index i = 0; i < g.output.width * channels; ++i) {
            const Range columns = columns_of(g).covered(i / channels);
            Master<T> best = 0;
            Index chosen = -1;
            for (Index iy = rows.begin; iy < rows.end; ++iy) {
                for (Index ix = columns.begin; ix < columns.end; ++ix) {
                    const Index position = iy * g.input.width + ix;
                    const Master<T> value = pixels[position * channels + i % channels];
                    // The comparison is false for NaN, which so wins, and then stays.
                    if (chosen < 0 || (best == best && !(value <= best))) {
                        best = value;
                        chosen = position;
                    }
                }
            }
            y[at * channels + i] = static_cast<T>(best);
            if (argmax) argmax[at * channels + i] = static_cast<std::int32_t>(chosen);
        }
    }
};

}  // namespace tessera::cpu
