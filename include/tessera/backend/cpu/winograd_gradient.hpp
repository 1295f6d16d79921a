// SPDX-License-Identifier: MIT
// WinogradGradient: the gradient of the weights of a 3 x 3 convolution by Winograd's tiles.
//
// For each position the inputs of all tiles, (channels, tiles), are multiplied by the gradients of
// their outputs, (tiles, filters); a position's factors stay in a core's own cache meanwhile. Two
// cores of Zen 5 (385 to 479 GFLOP/s) do 515 to 732 GFLOP/s by the usual count of AlexNet's layers
// without groups at batch 16 (bench_op_ops), 1.3 to 1.6 times as many as by DirectGradient.
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/gemm.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/strips.hpp"
#include "tessera/backend/cpu/winograd_memory.hpp"

namespace tessera::cpu {

/// For is_tileable geometries.
class WinogradGradient {
public:
    static std::size_t scratch_bytes(const ConvGeometry& g) {
        return carved_bytes<float>(tile_positions * weights_distance(g)) +
               carved_bytes<float>(SpreadInputs(g, stretch(g)).size()) +
               carved_bytes<float>(tile_positions * gradient_distance(g, stretch(g))) +
               carved_bytes<float>(zeros_size(g));
    }

    static void backward_parameters(const ConvGeometry& g, const float* x, const float* dy,
                                    float* dweights, float* dbias, const Scratch& scratch) {
        WinogradGradient pass(g, scratch);
        const Tiling tiling(g);
        const Index stretches = (tiling.count() + stretch(g) - 1) / stretch(g);
        for (Index i = 0; i < stretches; ++i) {
            const Range rows = part_of({0, tiling.rows}, i, stretches);
            pass.take({rows.begin * tiling.across, rows.end * tiling.across}, x, dy);
            pass.multiply(rows, i > 0, dy, dbias);
        }
        pass.add_weights(dweights);
    }

private:
    WinogradGradient(const ConvGeometry& g, const Scratch& scratch)
        : g_(g),
          threads_(scratch.threads),
          inputs_(g, stretch(g)),
          distance_(gradient_distance(g, stretch(g))) {
        Carve carve(scratch);
        weights_ = carve.take<float>(tile_positions * weights_distance(g));
        inputs_.data = carve.take<float>(inputs_.size());
        gradients_ = carve.take<float>(tile_positions * distance_);
        zeros_ = carve.take<float>(zeros_size(g));
        std::fill_n(zeros_, zeros_size(g), 0.0f);
    }

    /// Inputs and gradients of a stretch as positions.
    void take(Range tiles, const float* x, const float* dy) const {
        const Tiling tiling(g_);
        parallel_for(tiles.length(), threads_, [&](Index from, Index to, int) {
            const float* pixels[tile_outputs * tile_outputs];
            for (Index tile = from; tile < to; ++tile) {
                const TilePlace place = tiling.place(tiles.begin + tile);
                inputs_.take(g_, x, place, tile, zeros_);
                find_pixels(dy + place.image * g_.output.size(), g_.output, place.y, place.x,
                            tile_outputs, zeros_, pixels);
                for (Index n = 0; n < g_.groups * panels_; ++n) {
                    const Index filter = n / panels_ * filters_ + n % panels_ * width_;
                    spread<detail::GradientStep>(
                        {.pixels = pixels,
                         .first = filter,
                         .channels = std::min(width_, filters_ - n % panels_ * width_),
                         .to = gradients_ + (n * inputs_tiles() + tile) * width_,
                         .distance = distance_});
                }
            }
        });
    }

    void multiply(Range rows, bool accumulate, const float* dy, float* dbias) const {
        const Tiling tiling(g_);
        const Index all = g_.groups * panels_;
        parallel_for(tile_positions * all, threads_, [&](Index from, Index to, int) {
            for (Index i = from; i < to; ++i) {
                const Index p = i / all, group = i % all / panels_, j = i % panels_ * width_;
                compute_rows<float>(
                    channels_, std::min(width_, filters_ - j),
                    {.depth = rows.length() * tiling.across,
                     .a = inputs_.data + p * inputs_.distance + group * channels_,
                     .a_stride = 1,
                     .a_step = inputs_.row,
                     .panel = gradients_ + p * distance_ + i % all * inputs_tiles() * width_,
                     .panel_step = width_,
                     .c = weights_ + p * weights_distance(g_) + group * channels_ * filters_ + j,
                     .c_stride = filters_,
                     .accumulate = accumulate});
            }
        });
        if (!dbias) return;
        const auto output_row = [&](Index row) {
            return row / tiling.down * g_.output.height + row % tiling.down * tile_outputs;
        };
        const Index line = Index{g_.output.width} * g_.output.channels;
        const Index begin = output_row(rows.begin), end = output_row(rows.end);
        const Index pieces = g_.output.channels / winograd_lanes;
        parallel_for(pieces, threads_, [&](Index from, Index to, int) {
            const Index filter = from * winograd_lanes;
            add_column_sums((end - begin) * g_.output.width, (to - from) * winograd_lanes,
                            dy + begin * line + filter, g_.output.channels, dbias + filter);
        });
    }

    void add_weights(float* dweights) const {
        const Index pixel = channels_ * filters_;
        parallel_for(g_.input.channels, threads_, [&](Index from, Index to, int) {
            for (Index channel = from; channel < to; ++channel) {
                gather<detail::WeightGradientStep>(
                    {.from = weights_ + channel * filters_,
                     .distance = weights_distance(g_),
                     .channels = filters_,
                     .to = dweights +
                           (channel / channels_ * 9 * channels_ + channel % channels_) * filters_,
                     .line = 3 * pixel,
                     .pixel = pixel,
                     .rows = 3,
                     .columns = 3,
                     .accumulate = true});
            }
        });
    }

    Index inputs_tiles() const { return stretch(g_); }

    static constexpr Index stretch(const ConvGeometry& g) {
        const Tiling tiling(g);
        const Index each =
            g.input.channels + winograd_lanes + g.groups * panels_size<float>(1, g.filters());
        return tiling.across * tiling.rows_at_once(tile_positions * each);
    }
    static constexpr Index weights_distance(const ConvGeometry& g) {
        return g.input.channels * g.filters() + winograd_lanes;
    }
    static constexpr Index gradient_distance(const ConvGeometry& g, Index tiles) {
        return g.groups * panels_size<float>(tiles, g.filters()) + winograd_lanes;
    }
    static constexpr Index zeros_size(const ConvGeometry& g) {
        return std::max(g.input.channels, g.output.channels);
    }

    const ConvGeometry& g_;
    int threads_;
    SpreadInputs inputs_;
    Index distance_;  // of the positions of gradients
    Index width_ = panel_columns<float>();
    Index channels_ = g_.input.channels / g_.groups, filters_ = g_.filters();
    Index panels_ = (filters_ + width_ - 1) / width_;  // of a group
    float *weights_ = nullptr, *gradients_ = nullptr, *zeros_ = nullptr;
};

}  // namespace tessera::cpu
