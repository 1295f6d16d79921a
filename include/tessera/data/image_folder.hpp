// SPDX-License-Identifier: MIT
// Lists of labelled images from ImageNet-style folders: one folder per class, or ILSVRC's flat one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/fingerprint.hpp"
#include "tessera/core/folder.hpp"
#include "tessera/core/shape.hpp"
#include "tessera/data/lines.hpp"

namespace tessera {

struct ImageItem {
    std::string path;
    int label = 0;

    friend bool operator==(const ImageItem&, const ImageItem&) = default;
};

/// Images with one label each. Classes are known by their folder's name (for ImageNet the WordNet
/// id, `n01440764`), never by a number of somebody's list; a label is the place of that name in
/// sorted order.
struct ImageSet {
    std::vector<std::string> classes;
    std::vector<ImageItem> items;
};

namespace detail {

/// Whether the name ends in .jpg, .jpeg or .png, in capitals or not. Hidden files are no images:
/// some systems put one beside each image.
inline bool is_image_name(std::string_view name) {
    std::string ending(name.substr(std::min(name.rfind('.'), name.size())));
    for (char& c : ending) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return !name.starts_with('.') && (ending == ".jpg" || ending == ".jpeg" || ending == ".png");
}

/// The images directly in a folder, by name.
inline std::vector<std::string> image_files(const std::string& folder) {
    std::vector<std::string> files;
    for (const std::string& name : list_folder(folder)) {
        std::string path = text(folder, "/", name);
        if (is_image_name(name) && !is_folder(path)) files.push_back(std::move(path));
    }
    return files;
}

inline std::vector<std::string> class_folders(const std::string& folder) {
    require(is_folder(folder), folder,
            ": found no such folder, expected one folder of images per class");
    std::vector<std::string> names = list_folder(folder);
    std::erase_if(names, [&](const std::string& name) {
        return name.starts_with('.') || !is_folder(text(folder, "/", name));
    });
    require(!names.empty(), folder, ": found no folder in it, expected one per class");
    return names;
}

inline void check_sorted(const std::vector<std::string>& classes) {
    const auto found = std::is_sorted_until(classes.begin(), classes.end());
    require(found == classes.end(), "classes: found '", found == classes.end() ? "" : *found,
            "' behind a later name, expected them sorted");
}

/// Place of `name` in the sorted `classes`. Throws Error that begins with `where`.
inline int class_index(const std::vector<std::string>& classes, std::string_view name,
                       std::string_view where) {
    const auto found = std::lower_bound(classes.begin(), classes.end(), name);
    require(found != classes.end() && *found == name, where, "found class '", name,
            "', expected one of the ", classes.size(), " training classes");
    return static_cast<int>(found - classes.begin());
}

}  // namespace detail

/// Lists `folder/<class>/*` for the given sorted classes, a validation set for instance. Images may
/// lie one folder deeper, in `<class>/images/`, as Tiny-ImageNet has them. Classes without a folder
/// have no items. Throws Error when the folder is missing or empty, a folder is not one of the
/// classes, or a folder holds no image (.jpg, .jpeg, .png).
inline ImageSet read_image_folder(const std::string& folder,
                                  const std::vector<std::string>& classes) {
    ImageSet set{{classes.begin(), classes.end()}, {}};
    detail::check_sorted(classes);
    for (const std::string& name : detail::class_folders(folder)) {
        const int label = detail::class_index(classes, name, folder + ": ");
        const std::string place = text(folder, "/", name);
        std::vector<std::string> files = detail::image_files(place);
        if (files.empty() && is_folder(place + "/images")) {
            files = detail::image_files(place + "/images");
        }
        require(!files.empty(), place, ": found no image in it, expected .jpg or .png");
        for (std::string& file : files) set.items.push_back({std::move(file), label});
    }
    return set;
}

/// Lists `folder/<class>/*`, a training set: its folders are the classes.
inline ImageSet read_image_folder(const std::string& folder) {
    return read_image_folder(folder, detail::class_folders(folder));
}

/// ILSVRC's validation set: one flat folder, and in the order of file names a list with one integer
/// per line. `ids` is a text list of `<integer> <class>` lines that says what the integers mean.
struct FlatImages {
    std::string folder;
    std::string truth;
    std::string ids;
};

/// Throws Error when a file is missing or malformed, an integer is unknown, or the numbers of files
/// and lines differ.
inline ImageSet read_flat_images(const FlatImages& place, const std::vector<std::string>& classes) {
    require(is_folder(place.folder), place.folder, ": found no such folder, expected images");
    detail::check_sorted(classes);
    std::map<std::string, std::string> names;  // by the integer's digits
    detail::read_lines(place.ids, [&](const detail::Line& line) {
        const auto words = detail::split(line.text);
        require(words.size() >= 2, line.where(), "found '", line.text,
                "', expected an integer and a class");
        const long id = detail::parse_number<long>(words[0], line.where(), "an integer");
        require(names.emplace(text(id), words[1]).second, line.where(), "found ", id, " again");
    });

    std::vector<int> labels;
    detail::read_lines(place.truth, [&](const detail::Line& line) {
        const long id = detail::parse_number<long>(line.text, line.where(), "an integer");
        const auto name = names.find(text(id));
        require(name != names.end(), line.where(), "found ", id, ", expected one of the ",
                names.size(), " integers of ", place.ids);
        labels.push_back(detail::class_index(classes, name->second, line.where()));
    });

    std::vector<std::string> files = detail::image_files(place.folder);
    require(!files.empty(), place.folder, ": found no image in it, expected .jpg or .png");
    require(files.size() == labels.size(), place.folder, ": found ", files.size(),
            " images, expected ", labels.size(), " as in ", place.truth);
    ImageSet set{{classes.begin(), classes.end()}, {}};
    for (std::size_t i = 0; i < files.size(); ++i) {
        set.items.push_back({std::move(files[i]), labels[i]});
    }
    return set;
}

/// Lists the images that `list` names by lines of a file and its class (more words may follow), as
/// Tiny-ImageNet's `val_annotations.txt`. Throws Error when a file or class is unknown or the list
/// is missing or empty.
inline ImageSet read_listed_images(const std::string& folder, const std::string& list,
                                   const std::vector<std::string>& classes) {
    ImageSet set{{classes.begin(), classes.end()}, {}};
    detail::check_sorted(classes);
    detail::read_lines(list, [&](const detail::Line& line) {
        const auto words = detail::split(line.text);
        require(words.size() >= 2, line.where(), "found '", line.text,
                "', expected a file and a class");
        const std::string path = text(folder, "/", words[0]);
        require(path_exists(path), line.where(), "found no ", path);
        set.items.push_back({path, detail::class_index(classes, words[1], line.where())});
    });
    require(!set.items.empty(), list, ": found an empty list, expected images");
    return set;
}

/// Readable names of classes from `words.txt` or `synset_words.txt` (lines of a class, a blank or
/// tab, and its words). A class that the file lacks keeps its own name.
inline std::vector<std::string> read_class_names(const std::string& path,
                                                 const std::vector<std::string>& classes) {
    std::map<std::string, std::string> words;
    detail::read_lines(path, [&](const detail::Line& line) {
        const std::size_t end = std::min(line.text.find_first_of(detail::blanks), line.text.size());
        words.emplace(line.text.substr(0, end), detail::trimmed(line.text.substr(end)));
    });
    std::vector<std::string> names;
    for (const std::string& name : classes) {
        const auto found = words.find(name);
        names.push_back(found != words.end() && !found->second.empty() ? found->second : name);
    }
    return names;
}

/// Changes with the classes, the order, the names below `folder`, the labels and the sizes of the
/// files; not with the place of the folder. No file is opened: pixels that changed in a file of the
/// same size are not noticed.
inline std::uint64_t fingerprint(const ImageSet& set, const std::string& folder) {
    Fingerprint mark;
    for (const std::string& name : set.classes) mark.add(name);
    for (const ImageItem& item : set.items) {
        const std::string_view path = item.path;
        mark.add(path.starts_with(folder) ? path.substr(folder.size()) : path);
        mark.add(item.label);
        mark.add(file_size(item.path));
    }
    return mark.value();
}

}  // namespace tessera
