// SPDX-License-Identifier: MIT
// Result files of the VOC development kit: one line with id and confidence per image, one file per
// class.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"
#include "tessera/core/text.hpp"
#include "tessera/data/lines.hpp"

namespace tessera {

/// `comp2_cls_test_dog.txt`, or `comp10_action_val_running.txt`. The competition says what was
/// trained on: comp1 (classification) and comp9 (actions) nothing but VOC, comp2 and comp10
/// anything else too, as pre-training on ImageNet.
struct VocResultName {
    std::string competition = "comp2";
    std::string set;
    std::string name;          ///< of the class or action
    std::string task = "cls";  ///< or "action"

    /// Below a folder, in the development kit `VOCdevkit/results/VOC<year>/Main`.
    std::string path(std::string_view folder) const {
        return text(folder, "/", competition, "_", task, "_", set, "_", name, ".txt");
    }
};

/// Writes whole or not at all. `ids` are image ids; for actions `<id> <object>`, object from 1.
/// Larger scores mean more confident. Throws Error for a score that is not finite (the development
/// kit cannot read it) and when the file cannot be written.
inline void write_voc_results(const std::string& path, const std::vector<std::string>& ids,
                              std::span<const double> scores) {
    require(ids.size() == scores.size(), path, ": found ", scores.size(), " scores, expected ",
            ids.size());
    std::string lines;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        require(std::isfinite(scores[i]), path, ": found score ", scores[i], " of ", ids[i],
                ", expected a finite number");
        lines += text(ids[i], " ", detail::shortest(scores[i]), "\n");
    }
    write_file(path, lines);
}

/// The scores in the order of `ids`; minus infinity for an id without a line, which then stands at
/// the end of the ranking. Throws Error for an unknown id, one that occurs twice, and a confidence
/// that is no number.
inline std::vector<double> read_voc_results(const std::string& path,
                                            const std::vector<std::string>& ids) {
    std::map<std::string, int, std::less<>> places;
    for (std::size_t i = 0; i < ids.size(); ++i) places.emplace(ids[i], static_cast<int>(i));
    constexpr double none = -std::numeric_limits<double>::infinity();
    std::vector<double> scores(ids.size(), none);
    detail::read_lines(path, [&](const detail::Line& line) {
        const auto words = detail::split(line.text);
        require(words.size() == 2 || words.size() == 3, line.where(), "found '", line.text,
                "', expected id and confidence");
        std::string id(words[0]);
        if (words.size() == 3) (id += ' ') += words[1];
        const auto place = places.find(id);
        require(place != places.end(), line.where(), "found id '", id, "', expected one of the ",
                ids.size(), " of the set");
        double& score = scores[static_cast<std::size_t>(place->second)];
        require(score == none, line.where(), "found id '", id, "' again");
        score = detail::parse_number<double>(words.back(), line.where(), "a confidence");
    });
    return scores;
}

}  // namespace tessera
