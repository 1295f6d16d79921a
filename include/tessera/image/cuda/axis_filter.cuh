// SPDX-License-Identifier: MIT
// The weights of AxisFilter (image/axis_filter.hpp), computed where they are used: a thread makes
// those of one output.
#pragma once

#include <algorithm>
#include <cmath>

#include "tessera/backend/cuda/runtime.cuh"
#include "tessera/core/add_product.hpp"

namespace tessera::cuda {

/// As tessera::add_product on the processor, for the same bits; a GPU may round once.
template <class T>
__device__ inline void add_product(T& sum, T a, T b) {
#ifdef __CUDACC__
    sum += a * b;
#else
    tessera::add_product(sum, a, b);
#endif
}

/// `outputs` share [low, high) of a source axis of `count` pixels.
struct FilteredAxis {
    double low, high;
    int count, outputs;
};

/// A pixel that a triangle touches by less than this, where AxisFilter counts it and where it does
/// not, is left to rounding. Here it never counts, so that the number of taps is known beforehand.
inline constexpr double touch = 1e-9;

/// The most pixels that an output reads, where there are as many.
inline int most_taps(const FilteredAxis& axis) {
    const double radius = std::max(1.0, (axis.high - axis.low) / axis.outputs);
    return static_cast<int>(std::ceil(2 * radius - touch));
}

/// As mirrored_position of image/crop.hpp.
__device__ inline int mirrored_place(int position, int count) {
    const int period = 2 * count;
    const int phase = ((position % period) + period) % period;
    return phase < count ? phase : period - 1 - phase;
}

/// Writes the `taps` weights of one output, at least most_taps(), and returns the source pixel that
/// the first one is of. Where the axis has fewer pixels than that, it is pixel 0, and what lies
/// behind the axis gets the weight 0.
__device__ inline int plan_taps(const FilteredAxis& axis, int output, int taps, float* weights) {
    const double ratio = (axis.high - axis.low) / axis.outputs;
    const double radius = ratio > 1 ? ratio : 1;
    double centre = axis.low;
    add_product(centre, output + 0.5, ratio);
    const int floor = axis.low < 0 ? static_cast<int>(std::floor(axis.low)) : 0;
    const int ceiling =
        axis.high > axis.count ? static_cast<int>(std::ceil(axis.high)) : axis.count;
    int from = static_cast<int>(std::floor(centre - radius + 0.5 + touch));
    int to = static_cast<int>(std::ceil(centre + radius - 0.5 - touch));
    from = from < floor ? floor : from;
    to = to > ceiling ? ceiling : to;
    const auto triangle = [&](int pixel) {
        const double height = 1 - std::fabs(pixel + 0.5 - centre) / radius;
        return height > 0 ? height : 0.0;
    };
    int first = axis.count - taps;
    double sum = 0;
    for (int pixel = from; pixel < to; ++pixel) {
        const int place = mirrored_place(pixel, axis.count);
        first = place < first ? place : first;
        sum += triangle(pixel);
    }
    first = first < 0 ? 0 : first;
    for (int k = 0; k < taps; ++k) weights[k] = 0;
    for (int pixel = from; pixel < to; ++pixel) {
        const int k = mirrored_place(pixel, axis.count) - first;
        if (k < taps) weights[k] += static_cast<float>(triangle(pixel) / sum);
    }
    return first;
}

}  // namespace tessera::cuda
