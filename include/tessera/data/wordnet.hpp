// SPDX-License-Identifier: MIT
// WordNet's is-a relation, and the choice of ImageNet classes below some of its nodes.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/data/lines.hpp"

namespace tessera {

/// The relation between classes, known by their WordNet ids. A class may have several parents.
class WordNet {
public:
    /// Reads `wordnet.is_a.txt`: lines of a parent and a child. Throws Error naming the line.
    explicit WordNet(const std::string& path) {
        detail::read_lines(path, [&](const detail::Line& line) {
            const auto words = detail::split(line.text);
            require(words.size() == 2, line.where(), "found '", line.text,
                    "', expected a parent and a child");
            const int parent = node(words[0]), child = node(words[1]);
            children_[static_cast<std::size_t>(parent)].push_back(child);
        });
        require(!names_.empty(), path, ": found no line, expected parents and children");
    }

    /// Nodes of the relation.
    std::size_t size() const { return names_.size(); }

    /// `root` and everything below it, sorted. Throws Error when there is no such node.
    std::vector<std::string> subtree(std::string_view root) const {
        const auto found = places_.find(root);
        require(found != places_.end(), "WordNet: found no class '", root, "' among ", size());
        std::vector<char> seen(names_.size());
        std::vector<int> waiting{found->second};
        std::vector<std::string> names;
        while (!waiting.empty()) {
            const auto place = static_cast<std::size_t>(waiting.back());
            waiting.pop_back();
            if (seen[place]) continue;
            seen[place] = true;
            names.push_back(names_[place]);
            for (const int child : children_[place]) waiting.push_back(child);
        }
        std::sort(names.begin(), names.end());
        return names;
    }

private:
    int node(std::string_view name) {
        const auto found = places_.find(name);
        if (found != places_.end()) return found->second;
        const int place = static_cast<int>(names_.size());
        places_.emplace(name, place);
        names_.emplace_back(name);
        children_.emplace_back();
        return place;
    }

    std::map<std::string, int, std::less<>> places_;
    std::vector<std::string> names_;
    std::vector<std::vector<int>> children_;
};

/// A node whose classes are added to a pre-training set.
struct WordNetRoot {
    std::string_view wnid;
    std::string_view words;
};

/// The five of Oquab et al., CVPR 2014, section 5.1: they add 512 classes to ILSVRC's 1000.
inline constexpr WordNetRoot target_related_roots[] = {{"n02370806", "hoofed mammal"},
                                                       {"n03405725", "furniture"},
                                                       {"n03791235", "motor vehicle"},
                                                       {"n04019101", "public transport"},
                                                       {"n02834778", "bicycle"}};

/// Of the classes at `root` and below, those that are in `available` and not in `chosen`; sorted.
inline std::vector<std::string> select_classes(const WordNet& relation, std::string_view root,
                                               const std::vector<std::string>& available,
                                               const std::vector<std::string>& chosen) {
    const auto sorted = [](const std::vector<std::string>& names) {
        std::vector<std::string_view> views(names.begin(), names.end());
        std::sort(views.begin(), views.end());
        return views;
    };
    const auto offered = sorted(available), taken = sorted(chosen);
    std::vector<std::string> selected = relation.subtree(root);
    std::erase_if(selected, [&](const std::string& name) {
        return !std::binary_search(offered.begin(), offered.end(), name) ||
               std::binary_search(taken.begin(), taken.end(), name);
    });
    return selected;
}

/// The first word of every line, as in lists of synsets.
inline std::vector<std::string> read_class_list(const std::string& path) {
    std::vector<std::string> classes;
    detail::read_lines(
        path, [&](const detail::Line& line) { classes.emplace_back(detail::split(line.text)[0]); });
    require(!classes.empty(), path, ": found an empty list, expected classes");
    return classes;
}

}  // namespace tessera
