// SPDX-License-Identifier: MIT
// Reads one annotation file of PASCAL VOC.
#pragma once

#include <algorithm>
#include <cstdint>
#include <pugixml.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/box.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"
#include "tessera/data/lines.hpp"
#include "tessera/data/voc_annotation.hpp"

namespace tessera {

/// What happens to a box that reaches beyond its image: an Error, or the part inside is kept (a box
/// wholly outside stays an Error).
enum class OutsideBox { refuse, clip };

namespace detail {

/// Of an image's width and height: what a JPEG can have.
inline constexpr int most_voc_side = 65'535;

/// An element of an annotation file. Only direct children are looked at: the `part` of an object
/// has a `name` and a `bndbox` of its own, and so have owners and sources. Their order varies.
class VocElement {
public:
    VocElement(pugi::xml_node node, std::string where) : node_(node), where_(std::move(where)) {}

    const std::string& where() const { return where_; }

    VocElement child(const char* name) const {
        const pugi::xml_node found = node_.child(name);
        require(!found.empty(), where_, "found no <", name, "> in <", node_.name(), ">");
        return {found, where_};
    }
    std::string words(const char* name) const {
        const std::string_view found = trimmed(child(name).node_.text().get());
        require(!found.empty(), where_, "found an empty <", name, ">, expected a text");
        return std::string(found);
    }
    /// `absent` where there is no such element.
    std::string words(const char* name, std::string_view absent) const {
        return node_.child(name).empty() ? std::string(absent) : words(name);
    }
    template <class Number>
    Number number(const char* name) const {
        return parse_number<Number>(words(name), where_ + "<" + name + ">: ", "a number");
    }
    /// 0 or 1; an element that is missing means 0.
    bool flag(const char* name) const {
        const std::string found = words(name, "0");
        require(found == "0" || found == "1", where_, "<", name, ">: found '", found,
                "', expected 0 or 1");
        return found == "1";
    }

private:
    pugi::xml_node node_;
    std::string where_;
};

/// Files of the Action task list the corners as xmax, xmin, ymax, ymin; some coordinates are
/// fractional.
inline Box voc_box(const VocElement& object, const VocAnnotation& image, OutsideBox outside) {
    const VocElement corners = object.child("bndbox");
    const double xmin = corners.number<double>("xmin"), xmax = corners.number<double>("xmax");
    const double ymin = corners.number<double>("ymin"), ymax = corners.number<double>("ymax");
    const std::string found =
        text("found box ", xmin, "..", xmax, " x ", ymin, "..", ymax, ", expected ");
    require(xmin <= xmax && ymin <= ymax, object.where(), found, "xmin <= xmax and ymin <= ymax");
    const Box box{xmin - 1, ymin - 1, xmax, ymax};
    const Box inside =
        intersect(box, {0, 0, static_cast<double>(image.width), static_cast<double>(image.height)});
    const bool kept = box == inside || (outside == OutsideBox::clip && inside.area() > 0);
    require(kept, object.where(), found, "it inside the image, 1..", image.width, " x 1..",
            image.height);
    return inside;
}

inline VocActionFlags voc_action_flags(const VocElement& actions) {
    VocActionFlags flags{};
    for (std::size_t i = 0; i < flags.size(); ++i) {
        flags[i] = actions.flag(std::string(voc_actions[i]).c_str());
    }
    return flags;
}

inline int voc_class(const std::string& name, const std::vector<std::string>& classes,
                     const std::string& where) {
    const auto found = std::find(classes.begin(), classes.end(), name);
    if (found != classes.end()) return static_cast<int>(found - classes.begin());
    std::string known;
    for (const std::string& each : classes) known += (known.empty() ? "" : ", ") + each;
    fail(where, "found class '", name, "', expected one of ", known);
}

inline int line_of(std::span<const std::uint8_t> bytes, std::ptrdiff_t offset) {
    const auto end = bytes.begin() + std::min<std::ptrdiff_t>(offset, std::ssize(bytes));
    return 1 + static_cast<int>(std::count(bytes.begin(), end, '\n'));
}

}  // namespace detail

/// Reads `.../Annotations/<id>.xml`; labels are indices into `classes`. Flags that are missing
/// are false. Throws Error naming the file, the object (counted from 1), what was found and what
/// was expected: a missing or malformed file or field, an impossible image size, an unknown class,
/// a box inverted or outside.
inline VocAnnotation read_voc_annotation(const std::string& path,
                                         const std::vector<std::string>& classes,
                                         OutsideBox outside = OutsideBox::refuse) {
    const std::vector<std::uint8_t> bytes = read_file(path);
    pugi::xml_document document;
    const pugi::xml_parse_result parsed = document.load_buffer(bytes.data(), bytes.size());
    require(static_cast<bool>(parsed), path, ":", detail::line_of(bytes, parsed.offset),
            ": malformed XML: ", parsed.description());
    const pugi::xml_node root = document.document_element();
    require(std::string_view(root.name()) == "annotation", path, ": found element <", root.name(),
            ">, expected <annotation>");

    const std::size_t name_begin = path.find_last_of('/') + 1;  // 0 where there is no folder
    VocAnnotation image;
    image.id = path.substr(name_begin, path.find_last_of('.') - name_begin);
    const detail::VocElement size = detail::VocElement(root, path + ": ").child("size");
    image.width = size.number<int>("width");
    image.height = size.number<int>("height");
    image.depth =
        detail::parse_number<int>(size.words("depth", "3"), path + ": <depth>: ", "a whole number");
    const auto possible = [](int side) { return side >= 1 && side <= detail::most_voc_side; };
    require(possible(image.width) && possible(image.height), path, ": found image size ",
            image.width, "x", image.height, ", expected 1 to ", detail::most_voc_side,
            " pixels each way");
    for (const pugi::xml_node& node : root.children("object")) {
        const std::string where = text(path, ": object ", image.objects.size() + 1, ": ");
        const detail::VocElement element(node, where);
        VocObject object;
        object.label = detail::voc_class(element.words("name"), classes, where);
        object.box = detail::voc_box(element, image, outside);
        object.difficult = element.flag("difficult");
        object.truncated = element.flag("truncated");
        object.occluded = element.flag("occluded");
        object.pose = element.words("pose", "Unspecified");
        if (node.child("actions")) {
            object.actions = detail::voc_action_flags(element.child("actions"));
        }
        image.objects.push_back(std::move(object));
    }
    return image;
}

}  // namespace tessera
