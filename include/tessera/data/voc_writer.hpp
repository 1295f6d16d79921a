// SPDX-License-Identifier: MIT
// Writes annotations and lists as PASCAL VOC has them, for generated or converted data.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"
#include "tessera/core/folder.hpp"
#include "tessera/data/lines.hpp"
#include "tessera/data/voc_annotation.hpp"

namespace tessera {
namespace detail {

inline std::string xml_escaped(std::string_view words) {
    std::string escaped;
    for (const char c : words) {
        if (c == '&') {
            escaped += "&amp;";
        } else if (c == '<') {
            escaped += "&lt;";
        } else if (c == '>') {
            escaped += "&gt;";
        } else {
            escaped += c;
        }
    }
    return escaped;
}

inline std::string voc_object_text(const VocObject& object, const std::string& name) {
    std::string xml = "\t<object>\n";
    const auto add = [&](int depth, std::string_view tag, std::string_view value) {
        xml += text(std::string(static_cast<std::size_t>(depth), '\t'), "<", tag, ">", value, "</",
                    tag, ">\n");
    };
    add(2, "name", xml_escaped(name));
    add(2, "pose", xml_escaped(object.pose));
    add(2, "truncated", object.truncated ? "1" : "0");
    add(2, "occluded", object.occluded ? "1" : "0");
    add(2, "difficult", object.difficult ? "1" : "0");
    xml += "\t\t<bndbox>\n";
    add(3, "xmin", shortest(object.box.left + 1));
    add(3, "ymin", shortest(object.box.top + 1));
    add(3, "xmax", shortest(object.box.right));
    add(3, "ymax", shortest(object.box.bottom));
    xml += "\t\t</bndbox>\n";
    if (object.actions) {
        xml += "\t\t<actions>\n";
        for (std::size_t i = 0; i < voc_actions.size(); ++i) {
            add(3, voc_actions[i], (*object.actions)[i] ? "1" : "0");
        }
        xml += "\t\t</actions>\n";
    }
    return xml += "\t</object>\n";
}

}  // namespace detail

/// Makes the folders of a tree: Annotations, JPEGImages and ImageSets/Main below `root`, which is
/// `.../VOCdevkit/VOC<year>`. Throws Error naming the folder that cannot be made.
inline void make_voc_folders(const std::string& root) {
    for (const char* part : {"Annotations", "JPEGImages", "ImageSets/Main"}) {
        make_folders(text(root, "/", part));
    }
}

/// Writes `<root>/Annotations/<id>.xml`. Boxes whose corners are whole numbers read back exactly as
/// they are. Throws Error when the file cannot be written.
inline void write_voc_annotation(const std::string& root, const VocAnnotation& image,
                                 const std::vector<std::string>& classes) {
    std::string xml = text("<annotation>\n\t<folder>", detail::xml_escaped(last_name(root)),
                           "</folder>\n\t<filename>", detail::xml_escaped(image.id),
                           ".jpg</filename>\n\t<size>\n\t\t<width>", image.width,
                           "</width>\n\t\t<height>", image.height, "</height>\n\t\t<depth>",
                           image.depth, "</depth>\n\t</size>\n\t<segmented>0</segmented>\n");
    for (const VocObject& object : image.objects) {
        const bool known = object.label >= 0 && object.label < std::ssize(classes);
        require(known, "image ", image.id, ": found label ", object.label, ", expected 0..",
                std::ssize(classes) - 1);
        xml += detail::voc_object_text(object, classes[static_cast<std::size_t>(object.label)]);
    }
    xml += "</annotation>\n";
    write_file(text(root, "/Annotations/", image.id, ".xml"), xml);
}

/// Writes `<root>/ImageSets/Main/<set>.txt` and one `<class>_<set>.txt` per class, with the labels
/// that the annotations give.
inline void write_voc_lists(const std::string& root, std::string_view set,
                            std::span<const VocAnnotation> images,
                            const std::vector<std::string>& classes) {
    const std::string lists = root + "/ImageSets/Main/";
    std::string ids;
    for (const VocAnnotation& image : images) (ids += image.id) += '\n';
    write_file(text(lists, set, ".txt"), ids);
    for (int label = 0; label < static_cast<int>(classes.size()); ++label) {
        std::string lines;
        for (const VocAnnotation& image : images) {
            const int value = voc_label(image, label);
            lines += text(image.id, value < 0 ? " " : "  ", value, "\n");
        }
        write_file(text(lists, classes[static_cast<std::size_t>(label)], "_", set, ".txt"), lines);
    }
}

}  // namespace tessera
