// SPDX-License-Identifier: MIT
// Response normalisation and the maximum behind it as one op, which writes neither what is between
// them nor its gradient.
#pragma once

#include <cstdint>
#include <type_traits>

#include "tessera/backend/cuda/lrn.cuh"
#include "tessera/backend/cuda/max_pool.cuh"
#include "tessera/backend/cuda/pool_tiles.cuh"
#include "tessera/core/error.hpp"

// Forward, a block normalises the pixels that a tile of windows reaches, of up to 256 bytes of
// channels, into 48 KiB of shared memory, rounded as they would be in memory, and after a barrier
// takes the maxima there. What windows of neighbouring tiles share is normalised twice, and read
// twice by the block but from the cache. Of each maximum the place in its window is kept, a byte.
//
// Back, a thread has a pack of channels of one pixel: it computes scale and power anew from x,
// gathers the gradient from the windows that hold the pixel, and hands
//   q = dy x scale^-(beta + 1)
// to its neighbours through shared memory; after a barrier
//   dx = dy scale^-beta - 2 alpha beta x * (sum of q over the channels whose window holds this).
// Blocks overlap by the packs that the window of channels reaches, 2 of 256.
//
// PREDICTED for AlexNet's first pair, 55 x 55 x 96 to 27 x 27, at batch 128 on an H200: 4.3 TB/s,
// and 132 multiprocessors that issue 4 x 32 instructions 1.98e9 times a second. Bytes and
// instructions are those of an element of x, instructions nvcc's without moves; the larger time
// counts.
//
//                     float: bytes    ms  instructions    ms  bf16: bytes    ms  instructions    ms
//   forward                    5.2  0.045           60  0.067         2.7  0.024           50 0.056
//   back, with a ReLU          9.2  0.080           85  0.095         4.7  0.041           65 0.072
//   two ops forward           17.9  0.155                             9.4  0.082
//   three ops back            37.9  0.328                            19.4  0.168
//
// Forward, 1.15 times as many pixels are normalised as there are, some 30 instructions each, 2 of
// them special functions (0.020 ms, at 16 a turn); 9 places of each window are compared, 4 or 5
// instructions each for 4 numbers of x. A multiprocessor has room for 4 blocks forward
// (49 KiB of shared memory, 48 to 50 registers), back for 4 in float and 3 in bfloat16 (64 and 70
// registers).

namespace tessera::cuda {

/// A place in a window, row * width + column, or this where the window is empty.
inline constexpr int no_place = 255;

template <class T, int Width>
struct LrnMaxPoolForward {
    static constexpr int threads = default_threads;
    static constexpr int capacity = 48 * 1024 / (Width * sizeof(T));  ///< packs
    static constexpr int longest = 256 / (Width * sizeof(T));         ///< packs of channels

    using W = Wide<T>;
    struct alignas(16) Shared {
        T values[capacity * Width];
    };
    PoolGeometry g;
    PoolTiles tiles;
    LrnScales<T> window;
    InversePower<W> power;
    const T* x;
    T* y;
    std::uint8_t* places;

    __device__ void operator()() const {
        Shared& shared = shared_memory<Shared>();
        const int thread = static_cast<int>(threadIdx.x);
        const auto tile = tiles.place(static_cast<int>(blockIdx.x), g.window);
        const int channels = g.input.channels, packs = tiles.packs;
        const T* image = x + Index{tile.image} * g.input.height * g.input.width * channels;

        const int pixels = tiles.input_rows * tiles.input_columns;
        for (int i = thread; i < pixels * packs; i += threads) {
            const int pixel = tiles.by_packs.quotient(i), pack = tiles.by_packs.remainder(i, pixel);
            const int row = tiles.by_input_columns.quotient(pixel);
            const int iy = tile.input_row + row;
            const int ix = tile.input_column + tiles.by_input_columns.remainder(pixel, row);
            const int channel = (tile.pack + pack) * Width;
            if (iy < 0 || iy >= g.input.height || ix < 0 || ix >= g.input.width) continue;
            if (channel >= channels) continue;
            const T* from = image + (Index{iy} * g.input.width + ix) * channels;
            const Pack<W, Width> powers = power(window.template at<Width>(from, channel));
            Pack<W, Width> values = load_wide<Width>(from + channel);
            for (int k = 0; k < Width; ++k) values[k] *= powers[k];
            store_rounded(shared.values + i * Width, values);
        }
        __syncthreads();

        const SlidingWindow& w = g.window;
        for (int i = thread; i < tiles.rows * tiles.columns * packs; i += threads) {
            const int pixel = tiles.by_packs.quotient(i), pack = tiles.by_packs.remainder(i, pixel);
            const int down = tiles.by_columns.quotient(pixel);
            const int row = tile.output_row + down;
            const int column = tile.output_column + tiles.by_columns.remainder(pixel, down);
            const int channel = (tile.pack + pack) * Width;
            if (row >= g.output.height || column >= g.output.width || channel >= channels) continue;
            const Range rows = pixels_of(row, w.stride, w.pad_top, w.height, g.input.height);
            const Range columns = pixels_of(column, w.stride, w.pad_left, w.width, g.input.width);
            const bool empty = rows.first >= rows.last || columns.first >= columns.last;
            const int top = row * w.stride - w.pad_top, left = column * w.stride - w.pad_left;
            const auto place = [&](int iy, int ix) { return (iy - top) * w.width + ix - left; };
            RunningMaximum<W, Width> maximum(empty,
                                             empty ? no_place : place(rows.first, columns.first));
            for (int iy = rows.first; iy < rows.last; ++iy) {
                for (int ix = columns.first; ix < columns.last; ++ix) {
                    const int at =
                        (iy - tile.input_row) * tiles.input_columns + ix - tile.input_column;
                    maximum.meet(load_wide<Width>(shared.values + (at * packs + pack) * Width),
                                 place(iy, ix));
                }
            }
            const Index output = (Index{tile.image} * g.output.height + row) * g.output.width;
            const Index to = (output + column) * channels + channel;
            store_rounded(y + to, maximum.best);
            if (!places) continue;
            Pack<std::uint8_t, Width> chosen;
            for (int k = 0; k < Width; ++k) {
                chosen[k] = static_cast<std::uint8_t>(maximum.chosen[k]);
            }
            store(places + to, chosen);
        }
    }
};

template <class T, int Width>
struct LrnMaxPoolBackward {
    static constexpr int threads = default_threads;
    using W = Wide<T>;
    struct alignas(16) Shared {
        W quotients[threads * Width];
    };
    int packs;
    int halo;  ///< packs that a window of channels reaches on either side
    PoolGeometry g;
    Divisor by_packs, by_width, by_height, by_stride;
    LrnScales<T> window;
    InversePower<W> power;
    W factor;  ///< 2 * alpha * beta
    bool rectified;
    const T* x;
    const std::uint8_t* places;
    const T* dy;
    T* dx;

    __device__ void operator()() const {
        Shared& shared = shared_memory<Shared>();
        const int thread = static_cast<int>(threadIdx.x);
        const int own = threads - 2 * halo;
        const int pack = static_cast<int>(blockIdx.x) * own + thread - halo;
        const bool inside = pack >= 0 && pack < packs;
        const int pixel = by_packs.quotient(inside ? pack : 0);
        const int channel = by_packs.remainder(inside ? pack : 0, pixel) * Width;
        const Index at = Index{pack} * Width;
        Pack<W, Width> gradients{}, inputs{};
        if (inside) {
            const auto powers =
                power.powers(window.template at<Width>(x + (at - channel), channel));
            inputs = load_wide<Width>(x + at);
            gradients = gathered(pixel, channel);
            Pack<W, Width> quotients;
            for (int k = 0; k < Width; ++k) {
                quotients[k] = gradients[k] * inputs[k] * powers.next[k];
                gradients[k] *= powers.own[k];
            }
            store(shared.quotients + thread * Width, quotients);
        }
        __syncthreads();
        if (!inside || thread < halo || thread >= halo + own) return;
        const auto quotients = [&](auto width, int j) {
            return load<decltype(width)::value>(shared.quotients + (thread * Width - channel + j));
        };
        // Back, the window of channels is the mirrored one.
        const auto sums =
            window_sums<Width, W>(channel, window.channels, window.after, window.before, quotients);
        for (int k = 0; k < Width; ++k) gradients[k] -= factor * inputs[k] * sums[k];
        if (rectified) rectify_gradient(gradients, inputs);
        store_rounded(dx + at, gradients);
    }

private:
    /// The gradient of the normalised pack: those of the windows whose maximum it is, in row order.
    __device__ Pack<W, Width> gathered(int pixel, int channel) const {
        const int line = by_width.quotient(pixel), column = by_width.remainder(pixel, line);
        const int image = by_height.quotient(line), row = by_height.remainder(line, image);
        const SlidingWindow& w = g.window;
        const Range rows = windows_of(row, by_stride, w.pad_top, w.height, g.output.height);
        const Range columns = windows_of(column, by_stride, w.pad_left, w.width, g.output.width);
        Pack<W, Width> sums{};
        for (int oy = rows.first; oy < rows.last; ++oy) {
            for (int ox = columns.first; ox < columns.last; ++ox) {
                const int place = (row + w.pad_top - oy * w.stride) * w.width + column +
                                  w.pad_left - ox * w.stride;
                const Index output = (Index{image} * g.output.height + oy) * g.output.width + ox;
                const auto chosen = load<Width>(places + (output * window.channels + channel));
                const auto slopes = load_wide<Width>(dy + (output * window.channels + channel));
                for (int k = 0; k < Width; ++k) {
                    if (chosen[k] == place) sums[k] += slopes[k];
                }
            }
        }
        return sums;
    }
};

/// Lrn, and MaxPool of what it gives.
struct LrnMaxPool {
    /// Whether it can: for a window of so many channels and a window of pixels.
    static constexpr bool takes(int size, const SlidingWindow& w) {
        return size < 128 && w.height * w.width <= no_place;
    }

    /// y = maxima of x * scale^-beta; `places` gets where each is in its window, null when not
    /// wanted.
    template <class T>
    static void forward(const LrnGeometry& lrn, const PoolGeometry& g, const T* x, T* y,
                        std::uint8_t* places) {
        require_taken(lrn, g);
        with_width<T>(
            lrn_row<T>(lrn),
            [&](auto width) {
                using Kernel = LrnMaxPoolForward<T, decltype(width)::value>;
                const PoolTiles tiles(g, width, Kernel::capacity, Kernel::longest);
                launch("lrn and max_pool", checked_blocks(tiles.count(g.batch)), Kernel::threads,
                       Kernel{g,
                              tiles,
                              LrnScales<T>(lrn),
                              {static_cast<Wide<T>>(lrn.beta)},
                              x,
                              y,
                              places});
            },
            x, y, places);
    }

    /// dx from x, the places of forward() and dy; with `rectified`, which is x, the gradient of the
    /// ReLU before as well.
    template <class T>
    static void backward(const LrnGeometry& lrn, const PoolGeometry& g, const T* x,
                         const std::uint8_t* places, const T* dy, T* dx,
                         const std::type_identity_t<T>* rectified = nullptr) {
        require_taken(lrn, g);
        if (!dx) return;
        with_width<T>(
            lrn_row<T>(lrn),
            [&](auto width) {
                using Kernel = LrnMaxPoolBackward<T, decltype(width)::value>;
                const unsigned packs = checked_blocks(g.batch * g.input.size() / width);
                const int halo = width > 1 ? 1 : lrn.size / 2;
                launch("lrn and max_pool backward",
                       blocks_for(packs, static_cast<unsigned>(Kernel::threads - 2 * halo)),
                       Kernel::threads,
                       Kernel{static_cast<int>(packs),
                              halo,
                              g,
                              Divisor(g.input.channels / width),
                              Divisor(g.input.width),
                              Divisor(g.input.height),
                              Divisor(g.window.stride),
                              LrnScales<T>(lrn),
                              {static_cast<Wide<T>>(lrn.beta)},
                              static_cast<Wide<T>>(2 * lrn.alpha * lrn.beta),
                              rectified != nullptr,
                              x,
                              places,
                              dy,
                              dx});
            },
            x, places, dy, dx);
    }

private:
    static void require_taken(const LrnGeometry& lrn, const PoolGeometry& g) {
        require(takes(lrn.size, g.window), "lrn and max_pool: found windows of ", lrn.size,
                " channels and ", g.window.height, " x ", g.window.width,
                " pixels, expected fewer than 128 and at most 255");
    }
    static unsigned checked_blocks(Index count) {
        require(count <= 0x7FFFFFFF, "lrn and max_pool: found ", count,
                " pieces of a batch, expected at most 2^31 - 1: take a smaller batch");
        return static_cast<unsigned>(count);
    }
};

}  // namespace tessera::cuda
