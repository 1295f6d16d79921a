// SPDX-License-Identifier: MIT
// Dense scores with the network of a weights file.
#pragma once

#include <string>
#include <vector>

#include "program/dense_runner.hpp"

namespace program {

/// The dense_tiles of an image for the network of that name.
inline std::vector<Tile> dense_tiles(const std::string& network, int width, int height,
                                     const Tiling& tiling) {
    return with_network("network", network,
                        [&](auto choice) { return dense_tiles(choice, width, height, tiling); });
}

/// The mean colour of the mean image: no position of a map has a fixed place in it.
inline Normaliser mean_colour(const InputSpec& spec) {
    std::vector<float> colour(3);
    for (std::size_t c = 0; c < 3; ++c) {
        double sum = 0;
        for (std::size_t i = c; i < spec.mean.size(); i += 3) sum += spec.mean[i];
        colour[c] = static_cast<float>(sum * 3 / static_cast<double>(spec.mean.size()));
    }
    return {colour, spec.scale};
}

/// As score_boxes, for the dense_tiles of the images, on the processor.
inline bool score_densely(const SafetensorsFile& file, const TargetSpec& spec,
                          const std::vector<ImageBoxes>& images, const ScoringOptions& options,
                          const TakeScores& take) {
    return with_network(file.path() + ": field 'network'", spec.input.network, [&](auto choice) {
        using Choice = decltype(choice);
        return with_target_classes(static_cast<int>(spec.input.classes.size()), [&](auto count) {
            constexpr int classes = count;
            Model<PatchNet<Choice, classes>, Choice::input, Cpu> model;
            load_weights(model, file);
            return run_densely<Choice, classes>(choice, model, mean_colour(spec.input), spec.tiling,
                                                images, options, take);
        });
    });
}

}  // namespace program
