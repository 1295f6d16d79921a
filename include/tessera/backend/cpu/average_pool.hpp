// SPDX-License-Identifier: MIT
// Mean over the part of a window that lies inside the input, vectorised over the channels.
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/pool_window.hpp"

namespace tessera::cpu {

/// AveragePoolOp of backend/concept.hpp. A window that holds no input at all gives 0.
struct AveragePool {
    template <class T>
    static void forward(const PoolGeometry& g, const T* x, T* y) {
        const Index channels = g.input.channels;
        const Index rows = Index{g.batch} * g.output.height;
        parallel_for(rows, threads_for(g.batch * g.input.size(), max_threads()),
                     [&](Index begin, Index end, int) {
                         for (Index at = begin * g.output.width; at < end * g.output.width; ++at) {
                             const Index row = at / g.output.width;
                             const Span high = rows_of(g).covered(row % g.output.height);
                             const Span wide = columns_of(g).covered(at % g.output.width);
                             const Index image = row / g.output.height * g.input.area();
                             const T factor = share<T>(high, wide);
                             in_overlapping_pieces<width>(channels, [&](Index c, auto length) {
                                 T sum[width] = {};
                                 for (Index iy = high.begin; iy < high.end; ++iy) {
                                     for (Index ix = wide.begin; ix < wide.end; ++ix) {
                                         const Index from =
                                             (image + iy * g.input.width + ix) * channels + c;
                                         for (Index k = 0; k < length; ++k) sum[k] += x[from + k];
                                     }
                                 }
                                 for (Index k = 0; k < length; ++k) sum[k] *= factor;
                                 std::copy_n(sum, length, y + at * channels + c);
                             });
                         }
                     });
    }

    /// Each input position collects from the windows that hold it.
    template <class T>
    static void backward(const PoolGeometry& g, const T* dy, T* dx) {
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
                             in_overlapping_pieces<width>(channels, [&](Index c, auto length) {
                                 T sum[width] = {};
                                 for (Index oy = high.begin; oy < high.end; ++oy) {
                                     for (Index ox = wide.begin; ox < wide.end; ++ox) {
                                         const T factor = share<T>(rows_of(g).covered(oy),
                                                                   columns_of(g).covered(ox));
                                         const Index from =
                                             (image + oy * g.output.width + ox) * channels + c;
                                         for (Index k = 0; k < length; ++k)
                                             sum[k] += dy[from + k] * factor;
                                     }
                                 }
                                 std::copy_n(sum, length, dx + at * channels + c);
                             });
                         }
                     });
    }

private:
    static constexpr Index width = 32;

    /// One part of what lies inside a window; 0 when nothing does.
    template <class T>
    static constexpr T share(Span high, Span wide) {
        const bool empty = high.begin >= high.end || wide.begin >= wide.end;
        return empty ? T{0}
                     : T{1} / static_cast<T>((high.end - high.begin) * (wide.end - wide.begin));
    }
};

}  // namespace tessera::cpu
