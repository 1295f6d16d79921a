// SPDX-License-Identifier: MIT
// What a trained target network says about patches: computed once, kept in a file, and then put
// together in different ways.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "program/device.hpp"
#include "program/features.hpp"
#include "program/target.hpp"
#include "tessera/patch/aggregate.hpp"
#include "tessera/patch/heat_map.hpp"

namespace program {

/// Gets rows of outputs, one a box, in order.
using TakeScores = std::function<void(std::span<const float> rows)>;

struct ScoringOptions {
    Platform platform{};
    bool mirrored_too = false;  ///< the mean of a patch's outputs and its mirror image's
    Index done = 0;             ///< boxes scored before, a multiple of scoring_unit()
    const char* task = "scoring";
    std::function<bool()> interrupted;
};

/// Boxes of a batch.
constexpr Index scoring_unit(bool mirrored_too) { return scoring_batch / (mirrored_too ? 2 : 1); }

/// Outputs a box: the classes, and the background where patches were learned.
inline int score_columns(const TargetSpec& spec) {
    return static_cast<int>(spec.input.classes.size()) + (spec.whole() ? 0 : 1);
}

/// Runs the network of a weights file over boxes. False when interrupted. Throws Error when the
/// file is not of the network it says.
inline bool score_boxes(const SafetensorsFile& file, const TargetSpec& spec,
                        const std::vector<ImageBoxes>& images, const ScoringOptions& options,
                        const TakeScores& take) {
    const Normaliser normaliser = spec.input.normaliser();
    const auto columns = static_cast<std::size_t>(score_columns(spec));
    std::vector<float> means;
    auto take_rows = [&](const View<const float>& out) {
        const std::span<const float> rows(out.data, static_cast<std::size_t>(out.size()));
        if (!options.mirrored_too) return take(rows);
        means.resize(rows.size() / 2);
        for (std::size_t i = 0; i < means.size(); ++i) {
            const std::size_t first = i / columns * 2 * columns + i % columns;
            means[i] = 0.5F * (rows[first] + rows[first + columns]);
        }
        take(means);
    };
    auto run = [&]<class Net, class Choice>(std::type_identity<Net>, Choice) {
        const PatchView view{Choice::image, Choice::input, normaliser, options.mirrored_too,
                             std::max(1, Cpu::threads() / 2)};
        return with_platform(options.platform, [&]<class Backend, class Scalar>() {
            Model<Net, Choice::input, Backend, Scalar> model;
            load_weights(model, file);
            return run_over_boxes(
                model, {images, options.done, view, options.task, options.interrupted}, take_rows);
        });
    };
    return with_network(file.path() + ": field 'network'", spec.input.network, [&](auto choice) {
        using Choice = decltype(choice);
        return with_target_classes(static_cast<int>(spec.input.classes.size()), [&](auto count) {
            constexpr int classes = count;
            if (spec.whole()) return run(std::type_identity<WholeNet<Choice, classes>>{}, choice);
            return run(std::type_identity<PatchNet<Choice, classes>>{}, choice);
        });
    });
}

/// How outputs of patches become the score of an image.
struct Aggregation {
    double power = paper_power;
    std::vector<double> lambdas{};  ///< scales that take part; all when empty
    bool per_scale_mean = false;    ///< each scale has the same say, however many patches it has
};

/// The patches of one image that take part, with their outputs.
struct ScoredPatches {
    std::vector<Box> boxes;
    std::vector<float> outputs;   ///< boxes x columns
    std::vector<double> weights;  ///< of the boxes in the image's score
    int columns = 0;
};

/// Of the tiles of an image, with their outputs. Throws Error when a wanted lambda is none of
/// theirs.
inline ScoredPatches select_patches(const std::vector<Tile>& tiles,
                                    const std::vector<double>& lambdas, const Aggregation& how,
                                    std::span<const float> outputs, int columns) {
    std::vector<double> weights(lambdas.size(), how.lambdas.empty() ? 1.0 : 0.0);
    for (const double wanted : how.lambdas) {
        const auto found = std::find_if(lambdas.begin(), lambdas.end(),
                                        [&](double l) { return std::abs(l - wanted) < 1e-6; });
        require(found != lambdas.end(), "--lambdas-used: found ", wanted,
                ", which is none of the network's scales");
        weights[static_cast<std::size_t>(found - lambdas.begin())] = 1;
    }
    if (how.per_scale_mean) {
        std::vector<double> counts(weights.size(), 0.0);
        for (const Tile& one : tiles) ++counts[static_cast<std::size_t>(one.scale)];
        for (std::size_t scale = 0; scale < weights.size(); ++scale) {
            if (counts[scale] > 0) weights[scale] /= counts[scale];
        }
    }
    ScoredPatches patches;
    patches.columns = columns;
    for (std::size_t i = 0; i < tiles.size(); ++i) {
        const double weight = weights[static_cast<std::size_t>(tiles[i].scale)];
        if (weight == 0) continue;
        const auto width_of_row = static_cast<std::size_t>(columns);
        const auto row = outputs.subspan(i * width_of_row, width_of_row);
        patches.boxes.push_back(tiles[i].box);
        patches.weights.push_back(weight);
        patches.outputs.insert(patches.outputs.end(), row.begin(), row.end());
    }
    return patches;
}

/// The image's score for every output.
inline std::vector<double> aggregate(const ScoredPatches& patches, double power) {
    PowerMean mean(patches.columns, power);
    const auto columns = static_cast<std::size_t>(patches.columns);
    const std::span<const float> outputs(patches.outputs);
    for (std::size_t i = 0; i < patches.boxes.size(); ++i) {
        mean.add(outputs.subspan(i * columns, columns), patches.weights[i]);
    }
    return mean.scores();
}

/// The heat map of one class.
inline Map heat_map(HeatMapper& mapper, const ScoredPatches& patches, int label, Cover cover) {
    return mapper.map(std::span<const float>(patches.outputs), {.cover = cover},
                      static_cast<std::size_t>(label), static_cast<std::size_t>(patches.columns));
}

}  // namespace program
