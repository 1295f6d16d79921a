// SPDX-License-Identifier: MIT
// A sheet of training patches: a row for each class, one for the background, one for the deleted.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "program/run_folder.hpp"
#include "program/voc_patches.hpp"
#include "tessera/image/codec.hpp"
#include "tessera/image/draw.hpp"

namespace program {

/// Writes RUN/pictures/patches.png and RUN/patches.json, which says what its rows and cells are.
inline void write_patch_pictures(RunFolder& run, const VocFolder& folder, const VocSet& set,
                                 const std::vector<LabelledPatch>& patches, std::uint64_t seed) {
    constexpr int columns = 8, side = 64;
    const int classes = static_cast<int>(set.classes.size());
    std::map<int, std::vector<const LabelledPatch*>> members;
    for (const LabelledPatch& patch : patches) members[patch.label].push_back(&patch);

    std::vector<Image> cells;
    json rows = json::array();
    auto add_row = [&](int label, const std::string& name, const char* kind) {
        std::vector<const LabelledPatch*>& list = members[label];
        Random({seed, Purpose::sample, 1, static_cast<std::uint32_t>(label + 1)}).shuffle(list);
        json shown = json::array();
        for (std::size_t i = 0; i < columns; ++i) {
            if (i >= list.size()) {
                cells.emplace_back(side, side);
                std::fill(cells.back().pixels.begin(), cells.back().pixels.end(), 255);
                continue;
            }
            const LabelledPatch& patch = *list[i];
            const std::string& id = set.images[static_cast<std::size_t>(patch.image)].id;
            cells.push_back(resize(read_image(folder.image(id)), patch.box, Extent{side, side}));
            shown.push_back(
                {{"image", id},
                 {"box", {patch.box.left, patch.box.top, patch.box.right, patch.box.bottom}}});
        }
        rows.push_back(
            {{"label", name}, {"kind", kind}, {"count", list.size()}, {"patches", shown}});
    };
    for (int c = 0; c < classes; ++c) {
        add_row(c, set.classes[static_cast<std::size_t>(c)], "object");
    }
    add_row(classes, "background", "background");
    add_row(deleted_label, "deleted", "deleted");

    const Montage layout{.columns = columns};
    make_folders(run.file("pictures"));
    write_image(run.file("pictures/patches.png"), montage(cells, layout));
    const json sheet{{"picture", "pictures/patches.png"},
                     {"columns", columns},
                     {"side", side},
                     {"gap", layout.gap},
                     {"rows", rows}};
    write_file(run.file("patches.json"), sheet.dump(1) + "\n");
}

}  // namespace program
