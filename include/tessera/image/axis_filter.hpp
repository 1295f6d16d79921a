// SPDX-License-Identifier: MIT
// AxisFilter: the antialiasing triangle filter along one axis of an image.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "tessera/core/add_product.hpp"
#include "tessera/image/crop.hpp"

namespace tessera {

/// Output i is the sum over k < taps of weights(i)[k] * source[first(i) + k].
///
/// A triangle of radius max(1, ratio) pixels around the output's centre: bilinear interpolation
/// when enlarging, an antialiased mean when shrinking; as PIL's BILINEAR and PyTorch's
/// `antialias=True`. What lies beyond the image inside the box is the mirrored image; where the
/// triangle reaches out of image and box it is cut, and its weights sum to one again.
class AxisFilter {
public:
    /// Outputs share [low, high) of a source axis of `count` pixels. requires low < high, count > 0
    /// and outputs > 0. Memory is kept from one call to the next.
    void plan(double low, double high, int count, int outputs) {
        ratio_ = (high - low) / outputs;
        low_ = low;
        radius_ = std::max(1.0, ratio_);
        const int floor = std::min(0, whole_below(low));
        const int ceiling = std::max(count, whole_above(high));
        auto reach = [&](int i) {
            // A pixel p counts when its centre p + 1/2 is less than a radius away.
            const double middle = centre(i);
            const int from = whole_below(middle - radius_ + 0.5);
            const int to = whole_above(middle + radius_ - 0.5);
            return Range{std::max(floor, from), std::min(ceiling, to)};
        };
        taps_ = 1;
        for (int i = 0; i < outputs; ++i) taps_ = std::max(taps_, reach(i).length());
        taps_ = std::min(taps_, count);
        first_.resize(std::size_t(outputs));
        weights_.assign(std::size_t(outputs) * std::size_t(taps_), 0.0F);
        begin_ = count;
        end_ = 0;
        for (int i = 0; i < outputs; ++i) place(i, reach(i), count);
    }

    int taps() const { return taps_; }
    int first(int output) const { return first_[std::size_t(output)]; }
    /// first() of all outputs, one after another, as their weights() are.
    const int* firsts() const { return first_.data(); }
    const float* weights(int output) const {
        return weights_.data() + std::size_t(output) * std::size_t(taps_);
    }
    /// The source pixels that some output reads: begin() to end() - 1.
    int begin() const { return begin_; }
    int end() const { return end_; }

private:
    struct Range {
        int from, to;
        int length() const { return to - from; }
    };

    /// std::floor and std::ceil, which are calls unless the compiler may use SSE4.1.
    static int whole_below(double x) {
        const int whole = static_cast<int>(x);
        return whole - (x < whole);
    }
    static int whole_above(double x) { return -whole_below(-x); }

    double centre(int output) const {
        double place = low_;
        add_product(place, output + 0.5, ratio_);
        return place;
    }
    double triangle(int output, int position) const {
        return std::max(0.0, 1 - std::abs(position + 0.5 - centre(output)) / radius_);
    }

    void place(int output, Range range, int count) {
        // Folded at a border, neighbours stay neighbours: the range becomes no longer.
        int lowest = count;
        double sum = 0;
        for (int p = range.from; p < range.to; ++p) {
            lowest = std::min(lowest, mirrored_position(p, count));
            sum += triangle(output, p);
        }
        const int first = std::min(lowest, count - taps_);
        first_[std::size_t(output)] = first;
        float* weights = weights_.data() + std::size_t(output) * std::size_t(taps_);
        for (int p = range.from; p < range.to; ++p) {
            weights[mirrored_position(p, count) - first] +=
                static_cast<float>(triangle(output, p) / sum);
        }
        begin_ = std::min(begin_, first);
        end_ = std::max(end_, first + taps_);
    }

    double low_ = 0;
    double ratio_ = 1;
    double radius_ = 1;
    int taps_ = 0;
    int begin_ = 0;
    int end_ = 0;
    std::vector<int> first_;
    std::vector<float> weights_;
};

}  // namespace tessera
