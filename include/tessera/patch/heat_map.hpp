// SPDX-License-Identifier: MIT
// Heat maps: for each pixel, what the patches that cover it say (Oquab et al. 2014, section 3.3).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "tessera/core/box.hpp"
#include "tessera/core/error.hpp"
#include "tessera/image/map.hpp"

namespace tessera {

/// The paper averages over the covering patches, the authors' slides add them up. They differ near
/// the borders, which few patches cover: there a mean rests on little, a sum stays low.
enum class Cover { mean, sum };

/// Heat maps over one set of boxes. A pixel is covered when its centre is inside the box. Each box
/// costs four additions, then one pass over the pixels adds up (a summed area table backwards), so
/// 500 patches on 500 x 375 pixels cost little more than one.
class HeatMapper {
public:
    /// Throws Error for an empty image.
    HeatMapper(int width, int height, std::span<const Box> boxes)
        : width_(width), height_(height), steps_(table_size(width, height)) {
        for (const Box& box : boxes) covered_.push_back(pixels_of(box));
        for (const Rectangle& r : covered_) add_step(r, 1);
        coverage_ = Map(width, height);
        sum_up([&](std::size_t i, double count) { coverage_.values[i] = float(count); });
    }

    /// How many patches cover each pixel.
    const Map& coverage() const { return coverage_; }

    struct Options {
        Cover cover = Cover::mean;
        double power = 1;  ///< of each score, before it is spread
    };

    /// The map of one class: `scores` holds one value per box, every `classes`-th from `first` on.
    /// Pixels that no patch covers are 0. Throws Error when there is not a score for every box, or
    /// one is not finite.
    template <class T>
    Map map(std::span<const T> scores, const Options& options, std::size_t first = 0,
            std::size_t classes = 1) {
        require(classes > 0 && first < classes && scores.size() == covered_.size() * classes,
                "heat map: found ", scores.size(), " scores of ", classes, " classes for ",
                covered_.size(), " patches and class ", first);
        std::fill(steps_.begin(), steps_.end(), 0.0);
        for (std::size_t i = 0; i < covered_.size(); ++i) {
            const double score = static_cast<double>(scores[i * classes + first]);
            require(std::isfinite(score), "heat map: the score of patch ", i, " is ", score);
            const double step = options.power == 1 ? score : std::pow(score, options.power);
            require(std::isfinite(step), "heat map: the score of patch ", i, " is ", score,
                    ", which has no power ", options.power);
            add_step(covered_[i], step);
        }
        Map result(width_, height_);
        sum_up([&](std::size_t i, double sum) {
            const float count = coverage_.values[i];
            const double value = options.cover == Cover::sum ? sum : sum / double(count);
            result.values[i] = count > 0 ? static_cast<float>(value) : 0.0F;
        });
        return result;
    }
    template <class T>
    Map map(const std::vector<T>& scores, const Options& options, std::size_t first = 0,
            std::size_t classes = 1) {
        return map(std::span<const T>(scores), options, first, classes);
    }

private:
    struct Rectangle {
        int left, top, right, bottom;
    };

    static std::size_t table_size(int width, int height) {
        require(width > 0 && height > 0, "heat map: the image is ", width, " x ", height);
        return (std::size_t(width) + 1) * (std::size_t(height) + 1);
    }

    /// Pixel x is covered when left <= x + 1/2 < right.
    Rectangle pixels_of(const Box& box) const {
        auto edge = [](double position, int count) {
            return static_cast<int>(std::clamp(std::ceil(position - 0.5), 0.0, double(count)));
        };
        return {edge(box.left, width_), edge(box.top, height_), edge(box.right, width_),
                edge(box.bottom, height_)};
    }

    void add_step(const Rectangle& r, double value) {
        if (r.left >= r.right || r.top >= r.bottom) return;
        const auto pitch = std::size_t(width_) + 1;
        steps_[std::size_t(r.top) * pitch + std::size_t(r.left)] += value;
        steps_[std::size_t(r.top) * pitch + std::size_t(r.right)] -= value;
        steps_[std::size_t(r.bottom) * pitch + std::size_t(r.left)] -= value;
        steps_[std::size_t(r.bottom) * pitch + std::size_t(r.right)] += value;
    }

    /// Turns steps into sums, pixel by pixel.
    template <class Take>
    void sum_up(Take take) {
        const auto pitch = std::size_t(width_) + 1;
        column_sums_.assign(pitch, 0.0);
        for (int y = 0; y < height_; ++y) {
            double sum = 0;
            for (std::size_t x = 0; x < std::size_t(width_); ++x) {
                column_sums_[x] += steps_[std::size_t(y) * pitch + x];
                sum += column_sums_[x];
                take(std::size_t(y) * std::size_t(width_) + x, sum);
            }
        }
    }

    int width_;
    int height_;
    std::vector<double> steps_;  // (height + 1, width + 1)
    std::vector<double> column_sums_;
    std::vector<Rectangle> covered_;
    Map coverage_;
};

}  // namespace tessera
