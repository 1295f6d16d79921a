// SPDX-License-Identifier: MIT
// Patches of a VOC set: which there are, what they show, and which of them are trained on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tessera/data/voc_devkit.hpp"
#include "tessera/patch/label.hpp"
#include "tessera/patch/sample.hpp"
#include "tessera/patch/tile.hpp"

namespace program {

using namespace tessera;

/// Boxes of one image file, in the order in which they are wanted.
struct ImageBoxes {
    std::string path;
    int width = 0;  ///< what the annotation says; the file must agree
    int height = 0;
    std::vector<Box> boxes;
};

inline Index box_count(const std::vector<ImageBoxes>& images) {
    Index count = 0;
    for (const ImageBoxes& image : images) count += std::ssize(image.boxes);
    return count;
}

/// All boxes but the first `count`.
inline std::vector<ImageBoxes> without_first(Index count, const std::vector<ImageBoxes>& images) {
    std::vector<ImageBoxes> rest;
    for (const ImageBoxes& image : images) {
        const Index dropped = std::min(count, std::ssize(image.boxes));
        count -= dropped;
        if (dropped == std::ssize(image.boxes)) continue;
        rest.push_back(image);
        rest.back().boxes.erase(rest.back().boxes.begin(), rest.back().boxes.begin() + dropped);
    }
    return rest;
}

/// Every tile of every image; tiles(width, height) are those of one.
template <class Tiles>
std::vector<ImageBoxes> tile_images(const VocFolder& folder, const VocSet& set,
                                    const Tiles& tiles) {
    std::vector<ImageBoxes> images;
    for (const VocAnnotation& image : set.images) {
        images.push_back({folder.image(image.id), image.width, image.height,
                          boxes_of(tiles(image.width, image.height))});
    }
    return images;
}

/// Each image as one box.
inline std::vector<ImageBoxes> whole_images(const VocFolder& folder, const VocSet& set) {
    std::vector<ImageBoxes> images;
    for (const VocAnnotation& image : set.images) {
        const Box all{0, 0, double(image.width), double(image.height)};
        images.push_back({folder.image(image.id), image.width, image.height, {all}});
    }
    return images;
}

struct PatchRules {
    Tiling tiling{};
    LabelRule rule{};
    BackgroundSampling background{};
};

/// Label of patches that show two objects; they are not trained on.
inline constexpr int deleted_label = -1;

struct LabelledPatch {
    int image = 0;
    Box box;
    int label = 0;  ///< of a class, classes for background, or deleted_label
    bool kept = false;
};

/// All patches of a set in image order, labelled, with those marked that are trained on.
inline std::vector<LabelledPatch> label_patches(const VocSet& set, const PatchRules& rules) {
    const int background = static_cast<int>(set.classes.size());
    std::vector<LabelledPatch> patches;
    for (std::size_t i = 0; i < set.images.size(); ++i) {
        const VocAnnotation& image = set.images[i];
        std::vector<LabelledBox> objects;
        for (const VocObject& object : image.objects) {
            objects.push_back({object.box, object.label, object.difficult});
        }
        const auto boxes = boxes_of(tile(image.width, image.height, rules.tiling));
        for (std::size_t p = 0; p < boxes.size(); ++p) {
            const PatchLabel found = label_patch(boxes[p], objects, rules.rule);
            LabelledPatch patch{static_cast<int>(i), boxes[p], found.label, true};
            if (found.kind == PatchLabel::Kind::deleted) {
                patch.label = deleted_label;
                patch.kept = false;
            } else if (found.kind == PatchLabel::Kind::background) {
                patch.label = background;
                patch.kept = rules.background.keeps(static_cast<std::uint32_t>(i),
                                                    static_cast<std::uint32_t>(p));
            }
            patches.push_back(patch);
        }
    }
    return patches;
}

struct PatchCounts {
    Index objects = 0, background = 0, deleted = 0, kept = 0;
};

inline PatchCounts count_patches(const std::vector<LabelledPatch>& patches, int classes) {
    PatchCounts counts;
    for (const LabelledPatch& patch : patches) {
        counts.deleted += patch.label == deleted_label;
        counts.background += patch.label == classes;
        counts.objects += patch.label >= 0 && patch.label < classes;
        counts.kept += patch.kept;
    }
    return counts;
}

/// What is trained on: boxes per image, and their labels in the same order.
struct TrainingPatches {
    std::vector<ImageBoxes> images;
    std::vector<std::int32_t> labels;
};

inline TrainingPatches kept_patches(const VocFolder& folder, const VocSet& set,
                                    const std::vector<LabelledPatch>& patches) {
    TrainingPatches result;
    for (const VocAnnotation& image : set.images) {
        result.images.push_back({folder.image(image.id), image.width, image.height, {}});
    }
    for (const LabelledPatch& patch : patches) {
        if (!patch.kept) continue;
        result.images[static_cast<std::size_t>(patch.image)].boxes.push_back(patch.box);
        result.labels.push_back(patch.label);
    }
    require(!result.labels.empty(), folder.list(set.name), ": found no patch to train on among ",
            patches.size());
    return result;
}

/// Changes with the files, the boxes and their order.
inline void add_to(Fingerprint& mark, const std::vector<ImageBoxes>& images) {
    for (const ImageBoxes& image : images) {
        mark.add(image.boxes.size());
        for (const Box& box : image.boxes) {
            for (const double edge : {box.left, box.top, box.right, box.bottom}) {
                mark.add(std::bit_cast<std::uint64_t>(edge));
            }
        }
    }
}

}  // namespace program
