// SPDX-License-Identifier: MIT
// DirectGradient: the gradient of a convolution's parameters, without columns of patches.
//
//   dw[ky, kx, c, f] += sum over (n, oy, ox) of x[n, oy * stride + ky - pad_top, ..., c] dy[n, oy,
//   ox, f]
//
// A tile is 14 channels by 32 filters for one (ky, kx), its depth the outputs of a block. All its
// taps read the same two pieces, which fit the first-level cache for AlexNet's layers of 13 x 13:
// the block's dy in panels of 32 filters, and the lines of the images in strips of 14 channels, so
// that the pixels of a tile follow one another in memory. With 3 channels the rows of a tile are
// (kx, c) instead, out of lines with all channels. Two cores of Zen 5 (385 to 479 GFLOP/s, by the
// hour) do 430 to 447 GFLOP/s of AlexNet's C2 without groups at batch 16 (bench_op_ops), and 310 to
// 371 of C1.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/direct_memory.hpp"
#include "tessera/backend/cpu/gemm.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/strips.hpp"

namespace tessera::cpu {

struct DirectGradient {
    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy,
                                    Master<T>* dweights, std::type_identity_t<Master<T>>* dbias,
                                    const Scratch& scratch) {
        const DirectMemory<T> memory(g, scratch);
        const Index rows = strip_length(g), taps = tap_count(g), filters = g.output.channels;
        // Threads share the rows of all weights, and each takes the strips that begin in its part.
        const Index length = g.groups * rows * taps;
        parallel_for(length, scratch.threads, [&](Index from, Index to, int thread) {
            each_block<T>(g, [&](Index image, const GradientBlock& block, Index first_row) {
                for (int group = 0; group < g.groups; ++group) {
                    const Index start = group * rows * taps;
                    if (start >= to || start + rows * taps <= from) continue;
                    Block<T> part(g, group, image, block, first_row, memory, thread);
                    part.take_gradient(dy);
                    Range packed{};
                    for (Index row = 0, count = 0; row < rows; row += count) {
                        count = strip_rows<Factor<T>>(rows - row);
                        const auto tap = [=](Index position) {
                            const Index behind = position - start - row * taps;
                            return std::clamp<Index>((behind + count - 1) / count, 0, taps);
                        };
                        const Range own{tap(from), tap(to)};
                        if (own.empty()) continue;
                        const Range channels =
                            is_merged(g) ? Range{0, g.input.channels} : Range{row, row + count};
                        if (packed.begin != channels.begin || packed.end != channels.end) {
                            part.pack_lines(x, channels);
                            packed = channels;
                        }
                        part.add_strip({row, row + count}, own, channels.length(), dweights);
                    }
                }
                if (!dbias) return;
                // The thread's share of the bias, while this block is in its cache.
                const Index first = filters * from / length, last = filters * to / length;
                const Index begin = image * factor_length<T>;
                const Index end = std::min<Index>(g.batch, begin + block.images * factor_length<T>);
                // All rows of images lie together.
                const Index step = block.rows == g.output.height ? end - begin : 1;
                for (Index n = begin; n < end; n += step) {
                    const T* gradient =
                        dy + (n * g.output.height + first_row) * g.output.width * filters;
                    add_column_sums(step * block.rows * g.output.width, last - first,
                                    gradient + first, filters, dbias + first);
                }
            });
        });
    }

private:
    /// Rows of the weights that make strips, and how often these follow one another: channels at
    /// each element of the window, or (kx, channel) at each of its rows.
    static constexpr Index strip_length(const ConvGeometry& g) {
        return is_merged(g) ? Index{g.window.width} * g.input.channels
                            : g.input.channels / g.groups;
    }
    static constexpr Index tap_count(const ConvGeometry& g) {
        return is_merged(g) ? g.window.height : Index{g.window.height} * g.window.width;
    }

    /// Calls f(first image, block, first row), images being counted in factors.
    template <class T, class F>
    static void each_block(const ConvGeometry& g, const F& f) {
        const GradientBlock most = GradientBlock::of<T>(g);
        const int images = static_cast<int>(factors<T>(g.batch));
        for (int image = 0; image < images; image += most.images) {
            for (Index row = 0; row < g.output.height; row += most.rows) {
                f(image,
                  GradientBlock{std::min(most.images, images - image),
                                std::min(most.rows, g.output.height - row)},
                  row);
            }
        }
    }

    /// A group of channels and filters in a block.
    template <class T>
    class Block {
    public:
        Block(const ConvGeometry& g, int group, Index image, const GradientBlock& block,
              Index first_row, const DirectMemory<T>& memory, int thread)
            : g_(g),
              group_(group),
              image_(image),
              block_(block),
              first_row_(first_row),
              lines_(gradient_lines<T>(g, {first_row, first_row + block.rows})),
              x_(memory.lines(thread)),
              packed_(memory.gradient(thread)),
              runs_(memory.runs(thread)) {}

        /// With few channels there is so little to compute for each output that dy stays where it
        /// is.
        void take_gradient(const T* dy) {
            const Index all = g_.output.channels, width = panel_columns<Factor<T>>();
            const T* from = dy +
                            (image_ * factor_length<T> * g_.output.height + first_row_) *
                                g_.output.width * all +
                            group_ * g_.filters();
            const Index distance = positions() * width;
            if constexpr (std::is_same_v<T, Bf16>) {
                const bool rows = pairs_rows<T>(g_);
                const Index pairs = rows ? factors<T>(block_.rows) : block_.images;
                const Index pixels = positions() / pairs;
                const Index other = rows ? g_.output.width * all : g_.output.size();
                for (Index n = 0; n < pairs; ++n) {
                    const bool both = 2 * n + 1 < (rows ? block_.rows : g_.batch - 2 * image_);
                    pack_row_pairs(pixels, g_.filters(), packed_ + n * pixels * width, distance,
                                   [=](Index pixel) {
                                       const Bf16* row = from + 2 * n * other + pixel * all;
                                       return std::pair(row, both ? row + other : nullptr);
                                   });
                }
            } else {
                if (is_merged(g_) && g_.filters() % width == 0) {
                    gradient_ = {from, all, width};
                    return;
                }
                pack_panels<T>({from, all}, 0, positions(), 0, g_.filters(), packed_, distance);
            }
            gradient_ = {packed_, width, distance};
        }

        void pack_lines(const T* x, Range channels) const {
            const Index first = group_ * (g_.input.channels / g_.groups);
            const Range own{first + channels.begin, first + channels.end};
            Factor<T>* to = x_;
            const Index line = Lines(g_).width * channels.length();
            if constexpr (std::is_same_v<T, Bf16>) {
                if (pairs_rows<T>(g_)) {
                    const Index height = g_.input.height, step = g_.window.stride;
                    const Bf16* lower = x + step * g_.input.width * g_.input.channels;
                    for (Index y = lines_.begin; y < lines_.end; ++y, to += line) {
                        copy_lines(g_, y >= 0 ? x : nullptr, y + step < height ? lower : nullptr,
                                   {y, y + 1}, own, to);
                    }
                    return;
                }
            }
            for (int n = 0; n < block_.images; ++n) {
                const Index size = g_.input.size();
                const T* image = x + (image_ + n) * factor_length<T> * size;
                if constexpr (std::is_same_v<T, Bf16>) {
                    const bool both = 2 * (image_ + n) + 1 < g_.batch;
                    copy_lines(g_, image, both ? image + size : nullptr, lines_, own, to);
                } else {
                    copy_lines(g_, image, lines_, own, to);
                }
                to += lines_.length() * line;
            }
        }

        /// Adds to rows `rows` of the taps `taps`. The lines hold so many channels.
        void add_strip(Range rows, Range taps, Index channels, Master<T>* dweights) const {
            const Index filters = g_.filters(), width = panel_columns<Factor<T>>();
            const Index across = is_merged(g_) ? 1 : g_.window.width;
            for (Index tap = taps.begin; tap < taps.end;) {
                const Index ky = tap / across, end = std::min(taps.end, (ky + 1) * across);
                TileTask<Factor<T>> task{.depth = g_.output.width,
                                         .runs = runs_,
                                         .run_count = find_runs(ky, channels),
                                         .a = x_,
                                         .a_stride = 1,
                                         .a_step = g_.window.stride * channels,
                                         .panel_step = gradient_.step,
                                         .c_stride = filters,
                                         .accumulate = true};
                for (Index j = 0; j < filters; j += width) {
                    task.panel = gradient_.data + j / width * gradient_.distance;
                    for (Index t = tap; t < end; ++t) {
                        task.begin = is_merged(g_) ? rows.begin : t % across * channels;
                        task.c =
                            dweights + j +
                            (group_ * g_.depth() + t * strip_length(g_) + rows.begin) * filters;
                        compute_rows(rows.length(), std::min(width, filters - j), task);
                    }
                }
                tap = end;
            }
        }

    private:
        Index positions() const { return block_.template factor_rows<T>(g_) * g_.output.width; }

        /// A run for each output row whose window has its row `ky` on the image; returns how many.
        Index find_runs(Index ky, Index channels) const {
            Run* run = runs_;
            for (int n = 0; n < block_.images; ++n) {
                const Index rows = block_.template factor_rows<T>(g_) / block_.images;
                for (Index row = 0; row < rows; ++row) {
                    const Index first = first_row_ + (pairs_rows<T>(g_) ? 2 * row : row);
                    const Index y = first * g_.window.stride - g_.window.pad_top + ky;
                    if (y < lines_.begin || y >= lines_.end) continue;
                    *run++ = {(n * lines_.length() + y - lines_.begin) * Lines(g_).width * channels,
                              (n * rows + row) * g_.output.width * gradient_.step};
                }
            }
            return run - runs_;
        }

        const ConvGeometry& g_;
        int group_;
        Index image_;
        GradientBlock block_;
        Index first_row_;
        Range lines_;
        Factor<T>* x_;
        Factor<T>* packed_;
        Run* runs_;
        /// Filter j at position n: data[j / width * distance + n * step + j % width].
        struct {
            const Factor<T>* data;
            Index step, distance;
        } gradient_{};
    };
};

}  // namespace tessera::cpu
