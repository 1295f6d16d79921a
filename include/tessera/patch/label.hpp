// SPDX-License-Identifier: MIT
// Labels of training patches from the boxes of objects (Oquab et al. 2014, section 3.2, figure 4).
#pragma once

#include <span>

#include "tessera/core/box.hpp"
#include "tessera/core/error.hpp"

namespace tessera {

/// A ground-truth object.
struct LabelledBox {
    Box box;
    int label = 0;
    bool difficult = false;
};

/// What an object marked difficult does. The paper does not say.
enum class Difficult {
    keep,        ///< the same as any other object
    ignore,      ///< a patch it would label is deleted: neither positive nor background
    background,  ///< nothing: the patch is labelled as if the object were not there
};

/// The three rules. An object qualifies for a patch when it is large enough in the patch and enough
/// of it is inside; exactly one object has to qualify.
struct LabelRule {
    double patch_share = 0.2;   ///< |patch and object| >= patch_share * |patch|
    double object_share = 0.6;  ///< |patch and object| >= object_share * |object|
    /// Several qualifying objects of one class delete the patch, as those of two classes do.
    bool delete_same_class = true;
    Difficult difficult = Difficult::keep;
};

/// The outcome: an object's label, background, or deleted from training.
struct PatchLabel {
    enum class Kind { object, background, deleted };

    Kind kind = Kind::background;
    int label = -1;   ///< of the qualifying object, else -1
    int object = -1;  ///< its index among the objects, else -1

    friend constexpr bool operator==(const PatchLabel&, const PatchLabel&) = default;
};

/// True when the object meets the first two rules. Reaching a threshold is enough, also when
/// rounding has taken a billionth of it.
constexpr bool qualifies(const Box& patch, const Box& object, const LabelRule& rule = {}) {
    constexpr double slack = 1 - 1e-9;
    const double common = intersect(patch, object).area();
    return common > 0 && common >= rule.patch_share * patch.area() * slack &&
           common >= rule.object_share * object.area() * slack;
}

/// Objects that do not qualify (truncated by the patch, or too small in it) neither label a patch
/// nor veto another object's label. Throws Error for thresholds outside [0, 1].
inline PatchLabel label_patch(const Box& patch, std::span<const LabelledBox> objects,
                              const LabelRule& rule = {}) {
    require(rule.patch_share >= 0 && rule.patch_share <= 1 && rule.object_share >= 0 &&
                rule.object_share <= 1,
            "label_patch: the thresholds are ", rule.patch_share, " and ", rule.object_share,
            ", expected 0 to 1");
    const PatchLabel deleted{.kind = PatchLabel::Kind::deleted};
    PatchLabel found;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const LabelledBox& object = objects[i];
        if (object.difficult && rule.difficult == Difficult::background) continue;
        if (!qualifies(patch, object.box, rule)) continue;
        if (object.difficult && rule.difficult == Difficult::ignore) return deleted;
        if (found.kind == PatchLabel::Kind::object) {
            if (rule.delete_same_class || found.label != object.label) return deleted;
            continue;
        }
        found = {PatchLabel::Kind::object, object.label, static_cast<int>(i)};
    }
    return found;
}

}  // namespace tessera
