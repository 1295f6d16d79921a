// SPDX-License-Identifier: MIT
// What PASCAL VOC says about an image: its objects, and the classification labels they give.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/box.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

/// The object classes in the order of the development kit.
inline constexpr std::array<std::string_view, 20> voc_classes{
    "aeroplane", "bicycle",     "bird",  "boat",        "bottle", "bus",      "car",
    "cat",       "chair",       "cow",   "diningtable", "dog",    "horse",    "motorbike",
    "person",    "pottedplant", "sheep", "sofa",        "train",  "tvmonitor"};

/// The actions in the order of the development kit. `other` is no target: its persons are the
/// negatives of the ten.
inline constexpr std::array<std::string_view, 11> voc_actions{
    "other",       "jumping", "phoning",     "playinginstrument", "reading", "ridingbike",
    "ridinghorse", "running", "takingphoto", "usingcomputer",     "walking"};

/// Which actions a person performs, in the order of voc_actions; several at once are allowed.
using VocActionFlags = std::array<bool, voc_actions.size()>;

struct VocObject {
    int label = 0;  ///< index into the class list it was read with
    Box box;
    bool difficult = false;
    bool truncated = false;
    bool occluded = false;
    std::string pose = "Unspecified";
    std::optional<VocActionFlags> actions{};  ///< in the Action task only

    friend bool operator==(const VocObject&, const VocObject&) = default;
};

struct VocAnnotation {
    std::string id;  ///< file name without folder and ending
    int width = 0;
    int height = 0;
    int depth = 3;
    std::vector<VocObject> objects;

    friend bool operator==(const VocAnnotation&, const VocAnnotation&) = default;
};

/// The label of an image for a class: 1 with at least one object that is not difficult, 0 with
/// difficult ones only (left out of the evaluation), -1 without any.
inline std::int8_t voc_label(const VocAnnotation& image, int label) {
    std::int8_t result = -1;
    for (const VocObject& object : image.objects) {
        if (object.label != label) continue;
        if (!object.difficult) return 1;
        result = 0;
    }
    return result;
}

/// voc_label of all classes.
inline std::vector<std::int8_t> voc_labels(const VocAnnotation& image, int classes) {
    std::vector<std::int8_t> labels(static_cast<std::size_t>(classes));
    for (int label = 0; label < classes; ++label) {
        labels[static_cast<std::size_t>(label)] = voc_label(image, label);
    }
    return labels;
}

/// Throws Error unless the decoded image has the size that the annotation states: the boxes of a
/// resized copy would be off without anyone noticing.
inline void check_voc_size(const VocAnnotation& annotation, int width, int height) {
    require(width == annotation.width && height == annotation.height, "image ", annotation.id,
            ": found ", width, "x", height, " pixels, expected ", annotation.width, "x",
            annotation.height, " as its annotation says");
}

}  // namespace tessera
