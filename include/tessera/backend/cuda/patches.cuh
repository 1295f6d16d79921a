// SPDX-License-Identifier: MIT
// The operands of a convolution that is written as a matrix product, for product.cuh and
// tensor_product.cuh: patches of
// the image, windows of the output gradient, weights by channel. Nothing is copied; each gives the
// element (line, k) out of the array where it lies.
//
// A pixel is a position of the output, n * height * width + row * width + column; a tap is a place
// in the window and a channel of the group, (ky * window width + kx) * channels + c.
#pragma once

#include "tessera/backend/cuda/divisor.cuh"
#include "tessera/backend/cuda/product.cuh"
#include "tessera/backend/geometry.hpp"

namespace tessera::cuda {

/// x[n, oy * stride + ky - pad_top, ox * stride + kx - pad_left, group * channels + c], nought
/// outside the image.
template <class T>
struct PatchImage {
    const T* data;
    int height, width, pitch;  ///< of the input; pitch = channels of all groups
    int channels;              ///< of one group
    int stride, pad_top, pad_left;
    Divisor by_area, by_columns;             ///< of the output
    Divisor by_channels, by_window_columns;  ///< of a tap

    PatchImage() = default;
    PatchImage(const ConvGeometry& g, const T* x)
        : data(x),
          height(g.input.height),
          width(g.input.width),
          pitch(g.input.channels),
          channels(g.input.channels / g.groups),
          stride(g.window.stride),
          pad_top(g.window.pad_top),
          pad_left(g.window.pad_left),
          by_area(static_cast<int>(g.output.area())),
          by_columns(g.output.width),
          by_channels(channels),
          by_window_columns(g.window.width) {}

    /// The corner of a patch, which can lie outside, and its number among the pixels of the batch.
    struct Pixel {
        int number, row, column;
    };
    /// A place relative to the corner.
    struct Tap {
        int offset, row, column;
    };

    __device__ void enter(int group) { data += group * channels; }
    __device__ Pixel pixel(int number) const {
        const int n = by_area.quotient(number);
        const int place = by_area.remainder(number, n);
        const int oy = by_columns.quotient(place), ox = by_columns.remainder(place, oy);
        const int row = oy * stride - pad_top, column = ox * stride - pad_left;
        return {(n * height + row) * width + column, row, column};
    }
    __device__ Tap tap(int number) const {
        const int place = by_channels.quotient(number), c = by_channels.remainder(number, place);
        const int row = by_window_columns.quotient(place);
        const int column = by_window_columns.remainder(place, row);
        return {(row * width + column) * pitch + c, row, column};
    }
    __device__ bool inside(const Pixel& pixel, const Tap& tap) const {
        return static_cast<unsigned>(pixel.row + tap.row) < static_cast<unsigned>(height) &&
               static_cast<unsigned>(pixel.column + tap.column) < static_cast<unsigned>(width);
    }
    __device__ const T* at(const Pixel& pixel, const Tap& tap) const {
        return data + tap.offset + Index{pixel.number} * pitch;
    }
};

/// Lines are pixels, k runs over the taps: the left side of the forward pass.
template <class T>
struct PatchRows : PatchImage<T> {
    static constexpr bool along_k = true;
    using Image = PatchImage<T>;
    using Image::Image;
    using Line = typename Image::Pixel;
    using Step = typename Image::Tap;
    __device__ Line line(int number) const { return this->pixel(number); }
    __device__ Step step(int k) const { return this->tap(k); }
    __device__ bool holds(const Line& line, const Step& step) const {
        return this->inside(line, step);
    }
    __device__ const T* place(const Line& line, const Step& step) const {
        return this->at(line, step);
    }
    __device__ const T* find(const Line& line, const Step& step) const {
        return holds(line, step) ? place(line, step) : nullptr;
    }
};

/// Lines are taps, k runs over the pixels: the left side of the gradient of the weights.
template <class T>
struct PatchColumns : PatchImage<T> {
    static constexpr bool along_k = false;
    using Image = PatchImage<T>;
    using Image::Image;
    using Line = typename Image::Tap;
    using Step = typename Image::Pixel;
    __device__ Line line(int number) const { return this->tap(number); }
    __device__ Step step(int k) const { return this->pixel(k); }
    __device__ bool holds(const Line& line, const Step& step) const {
        return this->inside(step, line);
    }
    __device__ const T* place(const Line& line, const Step& step) const {
        return this->at(step, line);
    }
    __device__ const T* find(const Line& line, const Step& step) const {
        return holds(line, step) ? place(line, step) : nullptr;
    }
};

/// Lines are pixels of the *input*, k runs over (ky, kx, filter): the output gradient at the window
/// that has the pixel at (ky, kx), that is at oy * stride = iy + pad_top - ky, nought where there
/// is none.
template <class T>
struct GradientWindows {
    static constexpr bool along_k = true;
    const T* data;
    int height, width, pitch;  ///< of the output; pitch = filters of all groups
    int filters;               ///< of one group
    int pad_top, pad_left;
    Divisor by_area, by_columns;            ///< of the input
    Divisor by_filters, by_window_columns;  ///< of k
    Divisor by_stride;

    GradientWindows() = default;
    GradientWindows(const ConvGeometry& g, const T* dy)
        : data(dy),
          height(g.output.height),
          width(g.output.width),
          pitch(g.output.channels),
          filters(static_cast<int>(g.filters())),
          pad_top(g.window.pad_top),
          pad_left(g.window.pad_left),
          by_area(static_cast<int>(g.input.area())),
          by_columns(g.input.width),
          by_filters(filters),
          by_window_columns(g.window.width),
          by_stride(g.window.stride) {}

    struct Line {
        int first;  ///< pixel of the image of the output
        int row, column;
    };
    struct Step {
        int filter, row, column;
    };

    __device__ void enter(int group) { data += group * filters; }
    __device__ Line line(int number) const {
        const int n = by_area.quotient(number);
        const int place = by_area.remainder(number, n);
        const int iy = by_columns.quotient(place), ix = by_columns.remainder(place, iy);
        return {n * height * width, iy + pad_top, ix + pad_left};
    }
    __device__ Step step(int k) const {
        const int place = by_filters.quotient(k), filter = by_filters.remainder(k, place);
        const int row = by_window_columns.quotient(place);
        return {filter, row, by_window_columns.remainder(place, row)};
    }
    __device__ bool holds(const Line& line, const Step& step) const {
        const int y = line.row - step.row, x = line.column - step.column;
        const int oy = quotient(y), ox = quotient(x);
        return y >= 0 && x >= 0 && oy < height && ox < width && by_stride.remainder(y, oy) == 0 &&
               by_stride.remainder(x, ox) == 0;
    }
    __device__ const T* place(const Line& line, const Step& step) const {
        const int oy = quotient(line.row - step.row), ox = quotient(line.column - step.column);
        return data + step.filter + Index{line.first + oy * width + ox} * pitch;
    }
    __device__ const T* find(const Line& line, const Step& step) const {
        return holds(line, step) ? place(line, step) : nullptr;
    }

private:
    /// By the stride; before the first window the first, so that no place is far away.
    __device__ int quotient(int n) const { return by_stride.quotient(n < 0 ? 0 : n); }
};

/// Lines are channels of the input, k runs over (ky, kx, filter): w[group, ky, kx, c, filter].
template <class T>
struct WeightsByChannel {
    static constexpr bool along_k = true;
    using Line = Index;
    using Step = Index;
    const T* data;
    int channels, filters;  ///< of one group
    Index group_stride;
    Divisor by_filters;

    WeightsByChannel() = default;
    WeightsByChannel(const ConvGeometry& g, const T* weights)
        : data(weights),
          channels(g.input.channels / g.groups),
          filters(static_cast<int>(g.filters())),
          group_stride(g.depth() * g.filters()),
          by_filters(filters) {}

    __device__ void enter(int group) { data += group * group_stride; }
    __device__ Index line(int number) const { return Index{number} * filters; }
    __device__ Index step(int k) const {
        const int place = by_filters.quotient(k);
        return Index{place} * channels * filters + by_filters.remainder(k, place);
    }
    __device__ bool holds(Index, Index) const { return true; }
    __device__ const T* place(Index line, Index step) const { return data + line + step; }
    __device__ const T* find(Index line, Index step) const { return place(line, step); }
};

}  // namespace tessera::cuda
