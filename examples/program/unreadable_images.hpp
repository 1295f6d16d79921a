// SPDX-License-Identifier: MIT
// --bad skip for a VOC set: images that cannot be read are named, counted and left out.
#pragma once

#include <cstdio>
#include <vector>

#include "program/parallel.hpp"
#include "tessera/data/voc_devkit.hpp"
#include "tessera/image/codec.hpp"

namespace program {

using namespace tessera;

/// Leaves images out that cannot be decoded or have another size than annotated. Throws Error when
/// none is left: without images a set to watch would count as none. When interrupted, more are left
/// out.
inline Index drop_unreadable(const VocFolder& folder, VocSet& set) {
    std::vector<char> good(set.images.size(), 0);
    for_each_index(good.size(), [&](std::size_t i, int) {
        try {
            const Image image = read_image(folder.image(set.images[i].id));
            check_voc_size(set.images[i], image.width, image.height);
            good[i] = 1;
        } catch (const Error& error) {
            std::fprintf(stderr, "left out: %s\n", error.what());
        }
    });
    const std::size_t before = set.images.size();
    std::size_t at = 0;
    std::erase_if(set.images, [&](const VocAnnotation&) { return !good[at++]; });
    require(before == 0 || !set.images.empty() || interrupted(), folder.list(set.name), ": found ",
            before, " images and none that can be read, expected one at least");
    return static_cast<Index>(before - set.images.size());
}

}  // namespace program
