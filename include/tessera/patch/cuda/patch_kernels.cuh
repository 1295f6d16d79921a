// SPDX-License-Identifier: MIT
// The kernels of PatchWriter (patches.cuh): one makes the filters of all boxes, one the patches.
//
// A thread makes one column of a band of a patch's rows: it walks down the source rows, keeps the
// horizontal sums of the few that the next output reads, and needs no other thread. So neither the
// size of the image nor that of the box asks for memory.
#pragma once

#include <cstdint>

#include "tessera/backend/cuda/pack.cuh"
#include "tessera/backend/cuda/wide.cuh"
#include "tessera/core/box.hpp"
#include "tessera/image/crop.hpp"
#include "tessera/image/cuda/axis_filter.cuh"

namespace tessera::cuda {

/// A box of an image that is one of many in a block of bytes.
struct Cut {
    Index first = 0;  ///< of the image's bytes in the block
    int width = 0;    ///< of the image, in pixels
    int height = 0;
    Box box{};
    Window window{};  ///< of what the box is resized to
};

/// A cut, and where its filters lie. Both axes have the same number of taps, 2, 4 or 8; beyond that
/// each has `taps` or the pixels of its axis, whichever are fewer.
struct PatchPlan {
    Cut cut;
    int taps;
    Index weights;  // place of the first: those of all columns, then those of all rows
    static constexpr int most_static_taps = 8;

    __device__ int taps_across() const { return taps_on(cut.width); }
    __device__ int taps_down() const { return taps_on(cut.height); }

private:
    __device__ int taps_on(int count) const {
        return taps > most_static_taps && taps > count ? count : taps;
    }
};

/// What all patches have in common.
struct PatchGeometry {
    int channels;
    Extent resized, crop;

    __device__ FilteredAxis columns(const Cut& cut) const {
        return {cut.box.left, cut.box.right, cut.width, resized.width};
    }
    __device__ FilteredAxis rows(const Cut& cut) const {
        return {cut.box.top, cut.box.bottom, cut.height, resized.height};
    }
};

/// The filters of every column and every row of every patch.
struct PlanPatches {
    PatchGeometry geometry;
    Index patches;
    const PatchPlan* plans;
    int* firsts;
    float* weights;

    __device__ void operator()() const {
        const int lines = geometry.crop.width + geometry.crop.height;
        const Index patch = global_thread() / lines;
        const int line = static_cast<int>(global_thread() % lines);
        if (patch >= patches) return;
        const PatchPlan plan = plans[patch];
        const Cut& cut = plan.cut;
        const int across = plan.taps_across(), down = plan.taps_down();
        float* own = weights + plan.weights;
        int first;
        if (line < geometry.crop.width) {
            own += Index{line} * across;
            first = plan_taps(geometry.columns(cut), cut.window.left + line, across, own);
        } else {
            const int y = line - geometry.crop.width;
            own += Index{geometry.crop.width} * across + Index{y} * down;
            first = plan_taps(geometry.rows(cut), cut.window.top + y, down, own);
        }
        firsts[patch * lines + line] = first;
    }
};

/// Patch n, row y: ((resized pixel - mean) * scale) of the window's row, turned where it is
/// mirrored. With two samples a patch the second is turned the other way. A resized pixel is a
/// float, or rounded to 8 bits.
template <class T>
struct WritePatches {
    static constexpr unsigned threads = 384;
    static constexpr int band = 32;  // output rows of a block

    PatchGeometry geometry;
    const std::uint8_t* pixels;
    const PatchPlan* plans;
    const int* firsts;
    const float* weights;
    const float* mean;  // null, one colour, or one image of the resized extent
    bool mean_image;
    float scale;
    bool eight_bits;
    unsigned blocks_a_row;
    int samples_a_patch;
    T* samples;

    __device__ void operator()() const {
        const int channels = geometry.channels, width = geometry.crop.width;
        const Index sample = blockIdx.x / blocks_a_row;
        const Index patch = sample / samples_a_patch;
        const int j = static_cast<int>(blockIdx.x % blocks_a_row * blockDim.x + threadIdx.x);
        if (j >= width * channels) return;
        const PatchPlan plan = plans[patch];
        const int place = j / channels, channel = j % channels;
        const bool second = samples_a_patch == 2 && sample % 2 == 1;
        const Cut& cut = plan.cut;
        const int x = cut.window.mirrored != second ? width - 1 - place : place;
        const int taps = plan.taps_across();
        const int* own_firsts = firsts + patch * (width + geometry.crop.height);
        const float* own_weights = weights + plan.weights;
        const Column column{
            .source = pixels + cut.first + Index{own_firsts[x]} * channels + channel,
            .row = cut.width * channels,
            .across = own_weights + Index{x} * taps,
            .firsts = own_firsts + width,
            .down = own_weights + Index{width} * taps,
            .mean = mean_image ? mean +
                                     (Index{cut.window.top} * geometry.resized.width +
                                      cut.window.left + x) *
                                         channels +
                                     channel
                               : (mean ? mean + channel : nullptr),
            .target =
                samples + (sample * geometry.crop.height * width + place) * channels + channel,
        };
        switch (plan.taps) {
            case 2:
                return walk<2>(column, cut.height);
            case 4:
                return walk<4>(column, cut.height);
            case 8:
                return walk<8>(column, cut.height);
            default:
                return sum(column, taps, plan.taps_down());
        }
    }

private:
    struct Column {
        const std::uint8_t* source;  // in row 0, at the first tap
        int row;                     // bytes from one row of the image to the next
        const float* across;
        const int* firsts;
        const float* down;
        const float* mean;
        T* target;  // in row 0
    };

    __device__ int begin() const { return static_cast<int>(blockIdx.y) * band; }
    __device__ int end() const {
        return begin() + band < geometry.crop.height ? begin() + band : geometry.crop.height;
    }
    __device__ float pixel(const Column& column, int row, int tap) const {
        return static_cast<float>(column.source[Index{row} * column.row + tap * geometry.channels]);
    }
    /// As to_pixel() of image/resize.hpp.
    __device__ float rounded(float value) const {
        const float inside = value < 0 ? 0.0F : value > 255 ? 255.0F : value;
        return static_cast<float>(static_cast<int>(inside + 0.5F));
    }
    __device__ void write(const Column& column, int y, float value) const {
        const Index row = mean_image ? Index{y} * geometry.resized.width * geometry.channels : 0;
        const float expected = column.mean ? column.mean[row] : 0;
        if (eight_bits) value = rounded(value);
        column.target[Index{y} * geometry.crop.width * geometry.channels] =
            cuda::rounded<T>((value - expected) * scale);
    }

    /// Each source row is summed once. Behind the image's last column the weights are 0 and the
    /// bytes are any; behind its last row that row stands in.
    template <int Taps>
    __device__ void walk(const Column& column, int height) const {
        const int last = height - 1;
        float across[Taps], seen[Taps];  // sums of the source rows next - Taps .. next - 1
        for (int k = 0; k < Taps; ++k) across[k] = column.across[k], seen[k] = 0;
        int next = -1;
        for (int y = begin(); y < end(); ++y) {
            const int first = column.firsts[y];
            // Beyond the border the rows come back in the other direction.
            if (next < first || next > first + Taps) next = first;
            for (; next < first + Taps; ++next) {
                for (int k = 1; k < Taps; ++k) seen[k - 1] = seen[k];
                float row = 0;
                for (int k = 0; k < Taps; ++k) {
                    add_product(row, across[k], pixel(column, next < last ? next : last, k));
                }
                seen[Taps - 1] = row;
            }
            const auto down = load<Taps>(column.down + Index{y} * Taps);
            float value = 0;
            for (int k = 0; k < Taps; ++k) add_product(value, down[k], seen[k]);
            write(column, y, value);
        }
    }

    /// Each source row is summed for each output that reads it. Where a box is shrunk so much,
    /// these are two.
    __device__ void sum(const Column& column, int across, int down) const {
        for (int y = begin(); y < end(); ++y) {
            const float* own = column.down + Index{y} * down;
            float value = 0;
            for (int k = 0; k < down; ++k) {
                float row = 0;
                for (int i = 0; i < across; ++i) {
                    add_product(row, column.across[i], pixel(column, column.firsts[y] + k, i));
                }
                add_product(value, own[k], row);
            }
            write(column, y, value);
        }
    }
};

}  // namespace tessera::cuda
