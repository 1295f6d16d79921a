// SPDX-License-Identifier: MIT
// The folder tree of PASCAL VOC: where things lie, its lists of images and labels, whole sets.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/fingerprint.hpp"
#include "tessera/core/folder.hpp"
#include "tessera/data/lines.hpp"
#include "tessera/data/voc.hpp"
#include "tessera/data/voc_annotation.hpp"

namespace tessera {

/// One year's tree.
struct VocFolder {
    std::string root;                  ///< `.../VOCdevkit/VOC2007`
    std::vector<std::string> classes;  ///< the order of all labels

    std::string image(std::string_view id) const { return text(root, "/JPEGImages/", id, ".jpg"); }
    std::string annotation(std::string_view id) const {
        return text(root, "/Annotations/", id, ".xml");
    }
    /// The ids of a set: `train`, `val`, `trainval`, `test`.
    std::string list(std::string_view set) const {
        return text(root, "/ImageSets/Main/", set, ".txt");
    }
    /// The ids of a set with their labels for a class.
    std::string list(std::string_view name, std::string_view set) const {
        return text(root, "/ImageSets/Main/", name, "_", set, ".txt");
    }
    /// The persons of a set with their labels for an action.
    std::string action_list(std::string_view action, std::string_view set) const {
        return text(root, "/ImageSets/Action/", action, "_", set, ".txt");
    }
};

namespace detail {

/// The names before `_trainval.txt` (or `_train.txt`, or `_test.txt`) in ImageSets/Main, sorted.
inline std::vector<std::string> discover_voc_classes(const std::string& lists) {
    std::vector<std::string> classes;
    for (const std::string ending : {"_trainval.txt", "_train.txt", "_test.txt"}) {
        for (const std::string& name : list_folder(lists)) {
            if (name.size() > ending.size() && name.ends_with(ending)) {
                classes.push_back(name.substr(0, name.size() - ending.size()));
            }
        }
        if (!classes.empty()) break;
    }
    if (classes.empty()) classes.assign(voc_classes.begin(), voc_classes.end());
    std::sort(classes.begin(), classes.end());
    return classes;
}

}  // namespace detail

/// Opens `.../VOCdevkit/VOC<year>`, or `.../VOCdevkit` where it holds one year only. The classes
/// are those that have lists in ImageSets/Main, sorted (for VOC that is the order of the
/// development kit); voc_classes where there are none. Throws Error naming the folder that is
/// missing.
inline VocFolder open_voc(const std::string& folder) {
    require(is_folder(folder), folder, ": found no such folder, expected a VOC tree");
    std::string root = folder;
    if (!path_exists(root + "/ImageSets")) {
        std::vector<std::string> years;
        for (const std::string& name : list_folder(folder)) {
            const std::string year = text(folder, "/", name);
            if (path_exists(year + "/ImageSets")) years.push_back(year);
        }
        require(years.size() == 1, folder, ": found ", years.size(),
                " folders with ImageSets below, expected one: name the year, as VOCdevkit/VOC2007");
        root = years[0];
    }
    for (const char* part : {"ImageSets/Main", "Annotations", "JPEGImages"}) {
        require(is_folder(text(root, "/", part)), root, ": found no folder ", part);
    }
    return {root, detail::discover_voc_classes(root + "/ImageSets/Main")};
}

/// The ids of a set in the order of its list. Throws Error when the list is missing or empty, or an
/// id occurs twice.
inline std::vector<std::string> read_voc_ids(const VocFolder& folder, std::string_view set) {
    std::vector<std::string> ids;
    std::map<std::string, int, std::less<>> places;
    const std::string path = folder.list(set);
    detail::read_lines(path, [&](const detail::Line& line) {
        require(detail::split(line.text).size() == 1, line.where(), "found '", line.text,
                "', expected one image id");
        const bool added = places.emplace(line.text, static_cast<int>(ids.size())).second;
        require(added, line.where(), "found id '", line.text, "' again");
        ids.emplace_back(line.text);
    });
    require(!ids.empty(), path, ": found an empty set, expected image ids");
    return ids;
}

/// The labels -1, 0 and 1 of a set's images for a class, in the order of `ids`. Throws Error when
/// the list lacks an id, has others, or has one twice.
inline std::vector<std::int8_t> read_voc_labels(const VocFolder& folder, std::string_view set,
                                                std::string_view name,
                                                const std::vector<std::string>& ids) {
    const std::string path = folder.list(name, set);
    std::map<std::string, int, std::less<>> labels;
    detail::read_lines(path, [&](const detail::Line& line) {
        const auto words = detail::split(line.text);
        require(words.size() == 2, line.where(), "found '", line.text, "', expected id and label");
        const bool good = words[1] == "1" || words[1] == "0" || words[1] == "-1";
        require(good, line.where(), "found label '", words[1], "', expected -1, 0 or 1");
        const int label = words[1] == "1" ? 1 : words[1] == "0" ? 0 : -1;
        require(labels.emplace(words[0], label).second, line.where(), "found id '", words[0],
                "' again");
    });
    std::vector<std::int8_t> ordered;
    for (const std::string& id : ids) {
        const auto found = labels.find(id);
        require(found != labels.end(), path, ": found no label of image ", id);
        ordered.push_back(static_cast<std::int8_t>(found->second));
    }
    require(labels.size() == ids.size(), path, ": found ", labels.size(), " images, expected the ",
            ids.size(), " of ", folder.list(set));
    return ordered;
}

/// One set with its annotations.
struct VocSet {
    std::string name;
    std::vector<std::string> classes;
    std::vector<VocAnnotation> images;
};

/// Reads all annotations of a set. Throws Error as read_voc_ids and read_voc_annotation do, and
/// when an image is listed but absent.
inline VocSet read_voc_set(const VocFolder& folder, std::string_view set,
                           OutsideBox outside = OutsideBox::refuse) {
    VocSet result{std::string(set), folder.classes, {}};
    for (const std::string& id : read_voc_ids(folder, set)) {
        require(path_exists(folder.image(id)), folder.list(set), ": image ", id,
                " is listed, but found no ", folder.image(id));
        result.images.push_back(
            read_voc_annotation(folder.annotation(id), folder.classes, outside));
    }
    return result;
}

/// Changes with the classes, the images, the sizes of their files, their objects (class, box,
/// difficult) and the order of all; not with the place of the folder. No image is opened: pixels
/// that changed in a file of the same size are not noticed.
inline std::uint64_t fingerprint(const VocFolder& folder, const VocSet& set) {
    Fingerprint mark;
    for (const std::string& name : set.classes) mark.add(name);
    for (const VocAnnotation& image : set.images) {
        mark.add(image.id);
        mark.add(file_size(folder.image(image.id)));
        for (const VocObject& object : image.objects) {
            mark.add(object.label);
            mark.add(object.difficult);
            for (const double corner :
                 {object.box.left, object.box.top, object.box.right, object.box.bottom}) {
                mark.add(std::bit_cast<std::uint64_t>(corner));
            }
        }
    }
    return mark.value();
}

/// Throws Error for the first image and class whose list (`<class>_<set>.txt`) says another label
/// than its annotation gives.
inline void check_voc_labels(const VocFolder& folder, const VocSet& set) {
    std::vector<std::string> ids;
    for (const VocAnnotation& image : set.images) ids.push_back(image.id);
    for (int label = 0; label < static_cast<int>(set.classes.size()); ++label) {
        const std::string& name = set.classes[static_cast<std::size_t>(label)];
        const auto listed = read_voc_labels(folder, set.name, name, ids);
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const int computed = voc_label(set.images[i], label);
            require(listed[i] == computed, folder.list(name, set.name), ": found label ",
                    int{listed[i]}, " of image ", ids[i], ", but its annotation gives ", computed);
        }
    }
}

/// One person of the Action task.
struct VocActionLabel {
    std::string id;
    int object = 0;  ///< counts from 1, in the order of the annotation
    int label = 0;   ///< -1 or 1

    friend bool operator==(const VocActionLabel&, const VocActionLabel&) = default;
};

/// The persons of a set with their labels for an action.
inline std::vector<VocActionLabel> read_voc_action_labels(const VocFolder& folder,
                                                          std::string_view set,
                                                          std::string_view action) {
    std::vector<VocActionLabel> labels;
    const std::string path = folder.action_list(action, set);
    detail::read_lines(path, [&](const detail::Line& line) {
        const auto words = detail::split(line.text);
        require(words.size() == 3, line.where(), "found '", line.text,
                "', expected id, object and label");
        const int object = detail::parse_number<int>(words[1], line.where(), "an object from 1");
        require(object >= 1, line.where(), "found object ", object, ", expected one from 1");
        require(words[2] == "1" || words[2] == "-1", line.where(), "found label '", words[2],
                "', expected -1 or 1");
        labels.push_back({std::string(words[0]), object, words[2] == "1" ? 1 : -1});
    });
    require(!labels.empty(), path, ": found an empty set, expected persons");
    return labels;
}

}  // namespace tessera
