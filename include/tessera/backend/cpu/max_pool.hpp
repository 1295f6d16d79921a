// SPDX-License-Identifier: MIT
// Maximum over a window, vectorised over the channels.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/pool_window.hpp"

namespace tessera::cpu {

/// MaxPoolOp of backend/concept.hpp. A window that holds no input at all gives 0 with argmax -1.
struct MaxPool {
    template <class T>
    static void forward(const PoolGeometry& g, const T* x, T* y, std::int32_t* argmax) {
        const Index channels = g.input.channels;
        const Index rows = Index{g.batch} * g.output.height;
        parallel_for(rows, threads_for(g.batch * g.input.size(), max_threads()),
                     [&](Index begin, Index end, int) {
                         for (Index at = begin * g.output.width; at < end * g.output.width; ++at) {
                             const Index row = at / g.output.width;
                             const Span high = rows_of(g).covered(row % g.output.height);
                             const Span wide = columns_of(g).covered(at % g.output.width);
                             const T* image = x + row / g.output.height * g.input.size();
                             in_overlapping_pieces<width>(channels, [&](Index c, auto length) {
                                 T best[width];
                                 std::int32_t chosen[width];
                                 const bool empty =
                                     high.begin >= high.end || wide.begin >= wide.end;
                                 const Index start = high.begin * g.input.width + wide.begin;
                                 for (Index k = 0; k < length; ++k) {
                                     best[k] = empty ? T{0} : image[start * channels + c + k];
                                     chosen[k] = empty ? -1 : static_cast<std::int32_t>(start);
                                 }
                                 for (Index iy = high.begin; iy < high.end; ++iy) {
                                     for (Index ix = wide.begin; ix < wide.end; ++ix) {
                                         const Index position = iy * g.input.width + ix;
                                         const T* values = image + position * channels + c;
                                         for (Index k = 0; k < length; ++k) {
                                             // False for NaN, which so wins, and then stays.
                                             const bool take =
                                                 !(values[k] <= best[k]) & (best[k] == best[k]);
                                             best[k] = take ? values[k] : best[k];
                                             chosen[k] = take ? static_cast<std::int32_t>(position)
                                                              : chosen[k];
                                         }
                                     }
                                 }
                                 std::copy_n(best, length, y + at * channels + c);
                                 if (argmax)
                                     std::copy_n(chosen, length, argmax + at * channels + c);
                             });
                         }
                     });
    }

    /// Each input position collects from the windows that hold it.
    template <class T>
    static void backward(const PoolGeometry& g, const std::int32_t* argmax, const T* dy, T* dx) {
        if (!dx) return;
        const Index channels = g.input.channels;
        const Index rows = Index{g.batch} * g.input.height;
        parallel_for(rows, threads_for(g.batch * g.input.size(), max_threads()),
                     [&](Index begin, Index end, int) {
                         for (Index at = begin * g.input.width; at < end * g.input.width; ++at) {
                             const Index row = at / g.input.width;
                             const Span high = rows_of(g).covering(row % g.input.height);
                             const Span wide = columns_of(g).covering(at % g.input.width);
                             const Index image = row / g.input.height * g.output.area();
                             const auto position = static_cast<std::int32_t>(at % g.input.area());
                             in_overlapping_pieces<width>(channels, [&](Index c, auto length) {
                                 T sum[width] = {};
                                 for (Index oy = high.begin; oy < high.end; ++oy) {
                                     for (Index ox = wide.begin; ox < wide.end; ++ox) {
                                         const Index from =
                                             (image + oy * g.output.width + ox) * channels + c;
                                         for (Index k = 0; k < length; ++k) {
                                             const T gradient = dy[from + k];
                                             sum[k] +=
                                                 argmax[from + k] == position ? gradient : T{0};
                                         }
                                     }
                                 }
                                 std::copy_n(sum, length, dx + at * channels + c);
                             });
                         }
                     });
    }

private:
    static constexpr Index width = 32;
};

}  // namespace tessera::cpu
