// SPDX-License-Identifier: MIT
// Mean over the part of a window that lies inside the input, vectorised over the channels.
//
// Sums of up to 6 vectors of channels stay in registers while the window passes. One image of 96 x
// 55 x 55 lies in the caches, 0.011 ms, back 0.015 to 0.022; of 16 and more memory is the limit, at
// 33 to 101 GB/s (two cores of Zen 5, windows of 3 x 3 by steps of 2, bench_op_ops).
#pragma once

#include <type_traits>

#include "tessera/backend/cpu/lanes.hpp"
#include "tessera/backend/cpu/pool_window.hpp"

namespace tessera::cpu {

/// AveragePoolOp of backend/concept.hpp. A window that holds no input at all gives 0.
struct AveragePool {
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static void forward(const PoolGeometry& g, const T* x, T* y) {
        const auto compute_row = [&](auto bytes, Index at, Index image, Range rows)
            __attribute__((always_inline)) {
            const PoolAxis axis = columns_of(g);
            const Index channels = g.input.channels, pitch = axis.input * channels;
            const T* pixels = x + image * g.input.size();
            T* to = y + at * channels;
            for (Index i = 0; i < axis.output; ++i, to += channels) {
                const Range columns = axis.covered(i);
                const Master<T> factor = share<Master<T>>(rows, columns);
                in_vectors<bytes, T>(
                    channels, [&](auto vectors, auto count,
                                  Index c) __attribute__((always_inline)) {
                        using V = decltype(vectors);
                        constexpr int n = count;
                        typename V::Lanes sums[n] = {};
                        for (Index iy = rows.begin; iy < rows.end; ++iy) {
                            const T* from = pixels + (iy * pitch + columns.begin * channels + c);
                            for (Index ix = columns.begin; ix < columns.end;
                                 ++ix, from += channels) {
#pragma GCC unroll 6
                                for (int v = 0; v < n; ++v) {
                                    typename V::Lanes value;
                                    V::load(from + v * V::lanes, value);
                                    sums[v] += value;
                                }
                            }
                        }
#pragma GCC unroll 6
                        for (int v = 0; v < n; ++v) {
                            sums[v] *= factor;
                            V::store(sums[v], to + c + v * V::lanes);
                        }
                    });
            }
        };
        each_output_row(g, compute_row);
    }

    /// Each input position collects from the windows that hold it.
    template <class T>
    static void backward(const PoolGeometry& g, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        if (!dx) return;
        const auto compute_row = [&](auto bytes, Index at, Index image, Range rows)
            __attribute__((always_inline)) {
            const PoolAxis axis = columns_of(g), vertical = rows_of(g);
            const Index channels = g.input.channels, pitch = axis.output * channels;
            const T* gradients = dy + image * g.output.size();
            const T* outputs = rectified ? rectified + at * channels : nullptr;
            T* to = dx + at * channels;
            Range columns = axis.covering(0);
            for (Index i = 0; i < axis.input; axis.advance(columns, ++i)) {
                in_vectors<bytes, T>(
                    channels, [&](auto vectors, auto count,
                                  Index c) __attribute__((always_inline)) {
                        using V = decltype(vectors);
                        constexpr int n = count;
                        typename V::Lanes sums[n] = {};
                        for (Index oy = rows.begin; oy < rows.end; ++oy) {
                            for (Index ox = columns.begin; ox < columns.end; ++ox) {
                                const T* from = gradients + (oy * pitch + ox * channels + c);
                                const auto factor =
                                    share<Master<T>>(vertical.covered(oy), axis.covered(ox));
#pragma GCC unroll 6
                                for (int v = 0; v < n; ++v) {
                                    typename V::Lanes gradient;
                                    V::load(from + v * V::lanes, gradient);
                                    sums[v] += gradient * factor;
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
    /// One part of what lies inside a window; 0 when nothing does.
    template <class T>
    static constexpr T share(Range rows, Range columns) {
        const bool empty = rows.empty() || columns.empty();
        return empty ? T{0} : T{1} / static_cast<T>(rows.length() * columns.length());
    }
};

}  // namespace tessera::cpu
