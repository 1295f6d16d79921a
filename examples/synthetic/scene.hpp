// SPDX-License-Identifier: MIT
// Scenes of the target: several things at several scales, behind and before each other and among
// distractors, with what VOC says about each.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "synthetic/picture.hpp"
#include "tessera/core/box.hpp"
#include "tessera/data/voc_annotation.hpp"

namespace synthetic {

struct SceneOptions {
    int width = 192;
    int height = 144;
    int classes = 10;
    int most_things = 4;
};

struct Scene {
    tessera::Image image;
    std::vector<tessera::VocObject> objects;
};

namespace detail {

/// What is to be painted, and where.
struct Item {
    int label = nobody;  // target class
    bool is_junk = false;
    Kind kind;
    Pose pose;
    Footprint footprint{};
};

/// One to `most_things` things, the first of class `label`, few more often than many, and two to
/// five distractors: junk, and now and then a family that has no class. Nearer ones stand lower and
/// come later.
inline std::vector<Item> cast(int label, const SceneOptions& options, Point canvas,
                              tessera::Random& random) {
    const auto most = static_cast<std::uint32_t>(options.most_things);
    const std::uint32_t one = random.below(most), other = random.below(most);
    const int things = 1 + static_cast<int>(std::min(one, other));
    const int distractors = 2 + static_cast<int>(random.below(4));
    std::vector<Item> items;
    for (int i = 0; i < things + distractors; ++i) {
        Item& item = items.emplace_back();
        const bool counts = i < things;
        if (counts) {
            const auto classes = static_cast<std::uint32_t>(options.classes);
            item.label = i == 0 ? label : static_cast<int>(random.below(classes));
            item.kind = random_kind(item.label, random);
        } else {
            item.kind = random_kind(static_cast<int>(random.below(most_target_classes)), random);
            item.is_junk = random.chance(0.6F) || target_class(item.kind) < options.classes;
        }
        Pose& pose = item.pose;
        pose.size = 0.22F * canvas.y * std::exp(random.uniform(0, counts ? 1.35F : 1.0F));
        const float rim = 0.3F * pose.size;
        pose.centre = {random.uniform(rim, canvas.x - rim), random.uniform(rim, canvas.y - rim)};
        pose.angle = 0.2F * static_cast<float>(random.normal());
        pose.mirrored = random.chance(0.5F);
    }
    const auto foot = [](const Item& item) { return item.pose.centre.y + 0.5F * item.pose.size; };
    std::stable_sort(items.begin(), items.end(),
                     [&](const Item& a, const Item& b) { return foot(a) < foot(b); });
    return items;
}

/// The visible extent of every labelled item in pixels of the picture, with VOC's flags. Difficult:
/// less than 40 % to be seen, or smaller than a fifth of the picture's height. Items of which next
/// to nothing shows are left out.
inline std::vector<tessera::VocObject> annotate(const std::vector<Item>& items,
                                                const Canvas& canvas) {
    struct Visible {
        tessera::Box box{1e9, 1e9, -1, -1};
        int pixels = 0;
    };
    std::vector<Visible> visible(items.size());
    for (int y = 0; y < canvas.height; ++y) {
        for (int x = 0; x < canvas.width; ++x) {
            const int owner = canvas.owners[canvas.index(x, y)];
            if (owner == nobody) continue;
            Visible& seen = visible[static_cast<std::size_t>(owner)];
            seen.box = {std::min<double>(seen.box.left, x), std::min<double>(seen.box.top, y),
                        std::max<double>(seen.box.right, x + 1),
                        std::max<double>(seen.box.bottom, y + 1)};
            ++seen.pixels;
        }
    }
    const tessera::Box frame{0, 0, static_cast<double>(canvas.width),
                             static_cast<double>(canvas.height)};
    const double small = 0.19 * canvas.height / oversampling;
    std::vector<tessera::VocObject> objects;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto& [box, pixels] = visible[i];
        if (items[i].label == nobody || pixels < 12 * oversampling * oversampling) continue;
        const Footprint& all = items[i].footprint;
        const double inside = intersect(all.whole, frame).area() / all.whole.area();
        const double shown = static_cast<double>(pixels) / std::max(all.painted, 1);
        tessera::VocObject& object = objects.emplace_back();
        object.label = items[i].label;
        object.box = {std::floor(box.left / oversampling), std::floor(box.top / oversampling),
                      std::ceil(box.right / oversampling), std::ceil(box.bottom / oversampling)};
        object.truncated = inside < 0.97;
        object.occluded = shown < 0.95;
        object.difficult =
            inside * shown < 0.4 || std::max(object.box.width(), object.box.height()) < small;
        object.pose = items[i].pose.mirrored ? "Left" : "Right";
    }
    return objects;
}

}  // namespace detail

/// A scene whose first thing is of class `label`; it may end up hidden behind others.
inline Scene target_scene(int label, const SceneOptions& options, tessera::Random random) {
    Canvas canvas(oversampling * options.width, oversampling * options.height);
    const Point extent{static_cast<float>(canvas.width), static_cast<float>(canvas.height)};
    paint_backdrop(canvas, extent.y * random.uniform(0.12F, 0.3F), random);
    std::vector<detail::Item> items = detail::cast(label, options, extent, random);
    for (std::size_t i = 0; i < items.size(); ++i) {
        detail::Item& item = items[i];
        if (item.is_junk) {
            paint_junk(canvas, item.pose.centre, item.pose.size, random);
            continue;
        }
        const int owner = item.label == nobody ? nobody : static_cast<int>(i);
        item.footprint = paint_thing(canvas, item.kind, item.pose, owner, random);
    }
    Scene scene;
    scene.objects = detail::annotate(items, canvas);
    scene.image = photograph(canvas, random);
    return scene;
}

}  // namespace synthetic
