// SPDX-License-Identifier: MIT
// The two data sets on disk: an ImageNet-style folder and a VOC tree.
//
//   <out>/source/words.txt                       wnid TAB words
//   <out>/source/{train,val}/<wnid>/*.JPEG
//   <out>/target/VOCdevkit/VOC2007/{Annotations,JPEGImages,ImageSets/Main}
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "synthetic/catalogue.hpp"
#include "synthetic/picture.hpp"
#include "synthetic/scene.hpp"
#include "synthetic/work.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"
#include "tessera/data/voc_writer.hpp"
#include "tessera/image/codec.hpp"

namespace synthetic {

/// What is generated. Equal recipes give equal bytes.
struct Recipe {
    std::uint64_t seed = 1;
    int classes = 40;
    int train_per_class = 160;
    int val_per_class = 25;
    int source_size = 64;
    SceneOptions scene{};
    int trainval = 160;
    int test = 300;
    int quality = 85;
};

/// Done out of planned; less only after a stop was requested.
struct Written {
    int done = 0;
    int planned = 0;
};

namespace detail {

namespace fs = std::filesystem;

inline void make_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    tessera::require(!error, "cannot make folder ", folder.string(), ": ", error.message());
}

/// Whole or not at all, but not flushed to the disk one by one: what a power cut takes away is made
/// again by the same command.
inline void save_jpeg(const fs::path& path, const tessera::Image& image, int quality) {
    const std::vector<std::uint8_t> bytes = tessera::encode_jpeg(image, quality);
    const fs::path part = path.string() + ".part";
    errno = 0;
    std::ofstream file(part, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    file.close();
    std::error_code error(errno, std::generic_category());
    if (file.good()) {
        fs::rename(part, path, error);
        if (!error) return;
    }
    std::error_code ignored;
    fs::remove(part, ignored);
    tessera::fail("cannot write ", path.string(), ": ", error.message());
}

}  // namespace detail

/// Writes the source below `folder`: train and val, then words.txt. Throws tessera::Error when
/// something cannot be written.
inline Written write_source(const std::string& folder, const Recipe& recipe,
                            const WorkOptions& options) {
    const detail::fs::path root = folder;
    std::string words;
    for (int label = 0; label < recipe.classes; ++label) {
        for (const char* part : {"train", "val"}) detail::make_folder(root / part / wnid(label));
        words += tessera::text(wnid(label), "\t", name_of(source_kind(label)), "\n");
    }
    const int per_class = recipe.train_per_class + recipe.val_per_class;
    const int planned = recipe.classes * per_class;
    const int done = work("source", planned, options, [&](int i) {
        const int label = i / per_class;
        const bool train = i % per_class < recipe.train_per_class;
        const int index = i % per_class - (train ? 0 : recipe.train_per_class);
        const Split split = train ? Split::source_train : Split::source_val;
        const tessera::Image image = source_picture(source_kind(label), recipe.source_size,
                                                    random_of(recipe.seed, split, label, index));
        char name[48];
        std::snprintf(name, sizeof name, "%s_%05d.JPEG", wnid(label).c_str(), index);
        detail::save_jpeg(root / (train ? "train" : "val") / wnid(label) / name, image,
                          recipe.quality);
    });
    if (done == planned) tessera::write_file((root / "words.txt").string(), words);
    return {done, planned};
}

/// Writes the target below `folder`/VOCdevkit/VOC2007: images and annotations, then the lists train
/// and val (the halves of trainval), trainval and test. Throws tessera::Error when something cannot
/// be written.
inline Written write_target(const std::string& folder, const Recipe& recipe,
                            const WorkOptions& options) {
    const detail::fs::path root = detail::fs::path(folder) / "VOCdevkit" / "VOC2007";
    tessera::make_voc_folders(root.string());
    const std::vector<std::string> classes(target_names.begin(),
                                           target_names.begin() + recipe.scene.classes);
    const int planned = recipe.trainval + recipe.test;
    std::vector<tessera::VocAnnotation> annotations(static_cast<std::size_t>(planned));
    const int done = work("target", planned, options, [&](int i) {
        const bool test = i >= recipe.trainval;
        const int index = test ? i - recipe.trainval : i;
        const int label = index % recipe.scene.classes;
        const Scene scene =
            target_scene(label, recipe.scene,
                         random_of(recipe.seed, test ? Split::target_test : Split::target_trainval,
                                   label, index));
        tessera::VocAnnotation& annotation = annotations[static_cast<std::size_t>(i)];
        char id[16];
        std::snprintf(id, sizeof id, "%06d", i + 1);
        annotation = {id, scene.image.width, scene.image.height, 3, scene.objects};
        detail::save_jpeg(root / "JPEGImages" / (annotation.id + ".jpg"), scene.image,
                          recipe.quality);
        tessera::write_voc_annotation(root.string(), annotation, classes);
    });
    if (done < planned) return {done, planned};

    // In turn, and the other way round in every other round of classes, so that both get all of
    // them.
    std::vector<tessera::VocAnnotation> train, val;
    const auto trainval = std::span(annotations).first(static_cast<std::size_t>(recipe.trainval));
    for (std::size_t i = 0; i < trainval.size(); ++i) {
        const std::size_t round = i / static_cast<std::size_t>(recipe.scene.classes);
        ((i + round) % 2 == 0 ? train : val).push_back(trainval[i]);
    }
    tessera::write_voc_lists(root.string(), "train", train, classes);
    tessera::write_voc_lists(root.string(), "val", val, classes);
    tessera::write_voc_lists(root.string(), "trainval", trainval, classes);
    tessera::write_voc_lists(root.string(), "test", std::span(annotations).subspan(trainval.size()),
                             classes);
    return {done, planned};
}

}  // namespace synthetic
