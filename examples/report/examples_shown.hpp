// SPDX-License-Identifier: MIT
// Pictures: training patches with their labels, heat maps of the best true and false positives, and
// how often the maximum of a map lies on an object.
#pragma once

#include "report/headline.hpp"

namespace report {

namespace detail {

inline Html patch_row(const PatchRow& row) {
    Html pictures;
    for (const PatchRow::Patch& patch : row.patches) {
        pictures += image(patch.picture, row.label + ", patch of image " + patch.image);
    }
    return element("div", {{"class", "patches"}},
                   element("dt", element("b", words(row.label)) +
                                     element("span", words(count(row.count) + " patches"))) +
                       element("dd", pictures));
}

inline Html patch_table(const Runs& runs) {
    Table table("What became of the patches", {{"run"},
                                               {"set", "", true},
                                               {"images"},
                                               {"patches"},
                                               {"of an object"},
                                               {"background"},
                                               {"deleted"},
                                               {"trained on"}});
    for (const Run& run : runs) {
        for (const PatchCounts& p : run.log.patches) {
            table.add({run.name, p.set, count(p.images), count(p.patches), count(p.objects),
                       count(p.background), count(p.deleted), count(p.used)});
        }
    }
    return table.empty() ? Html() : table.html();
}

}  // namespace detail

/// Of the first run that has pictures of them: runs on the same set show the same patches.
inline Html patches_section(const Runs& runs) {
    const Html counts = detail::patch_table(runs);
    const auto shown =
        std::find_if(runs.begin(), runs.end(), [](const Run& run) { return !run.patches.empty(); });
    if (shown == runs.end()) return counts + note("No pictures of training patches in these runs.");
    Html rows;
    for (const PatchRow& row : shown->patches) rows += detail::patch_row(row);
    return note(
               "A patch carries the label of the one object that it shows large enough and whole "
               "enough; it is background where no object qualifies, and deleted where several "
               "do. Drawn at random from " +
               shown->name + ".") +
           element("dl", {{"class", "sheet"}}, rows) + counts;
}

namespace detail {

/// Between 0 and 1, or a power of that.
inline std::string score(double value) {
    return value >= 0.01 ? fixed(value, 3) : significant(value);
}

inline Html example_figure(const Example& example) {
    const std::string kind = example.positive ? "true positive" : "false positive";
    std::string caption = "score " + score(example.score);
    if (std::isfinite(example.rank)) caption = "rank " + count(example.rank) + ", " + caption;
    return figure(
        image(Picture::read_small(example.picture),
              "Heat map of " + example.class_name + " over image " + example.image + ", " + kind),
        words(caption + ", image " + example.image));
}

inline Html example_group(const Evaluation& e, const std::string& class_name, bool positive) {
    Html figures;
    for (const Example& example : e.examples) {
        if (example.class_name != class_name || example.positive != positive) continue;
        figures += example_figure(example);
    }
    if (figures.empty()) return {};
    const char* heading = positive ? "best true positives" : "best false positives";
    return element("p", {{"class", "kind"}}, words(heading)) +
           element("div", {{"class", "pictures"}}, figures);
}

inline Html example_class(const Evaluation& e, const std::string& name) {
    const Html groups = example_group(e, name, true) + example_group(e, name, false);
    if (groups.empty()) return {};
    const std::string heading = name + ", AP " + percent(e.ap_of(name)) + " %";
    return element("section", {{"class", "example"}}, element("h4", words(heading)) + groups);
}

}  // namespace detail

/// The first run in full, the others for those who ask.
inline Html heat_maps_section(const Runs& runs) {
    Html content;
    for (const Run& run : runs) {
        if (!run.evaluation) continue;
        Html classes;
        for (const std::string& name : run.evaluation->classes) {
            classes += detail::example_class(*run.evaluation, name);
        }
        if (classes.empty()) continue;
        const Html heading = element("h3", words(run.name));
        content += content.empty() ? heading + classes
                                   : element("details", element("summary", heading) + classes);
    }
    if (content.empty()) return note("No heat maps in these runs.");
    return note(
               "Left the image with its objects of the class, right how strongly the patches over "
               "each point answer for the class: from blue for nothing to red for the strongest "
               "answer in the image, with a cross there. False positives are the images without "
               "the class that the network ranks highest.") +
           content;
}

inline Html pointing_section(const Runs& runs) {
    Table table("Maximum of the map inside a box of the class, %",
                {{"run"},
                 {"objects", "sum map"},
                 {"classes", "sum map"},
                 {"objects", "mean map"},
                 {"classes", "mean map"},
                 {"objects", "centre of the image"},
                 {"classes", "centre of the image"}});
    for (const Run& run : runs) {
        if (!run.evaluation || run.evaluation->pointing.empty()) continue;
        std::vector<Cell> cells{run.name};
        for (const char* map : {"sum", "mean", "centre"}) {
            Pointing found{map};
            for (const Pointing& p : run.evaluation->pointing) {
                if (p.map == map) found = p;
            }
            cells.emplace_back(percent(found.micro));
            cells.emplace_back(percent(found.macro));
        }
        table.add(cells);
    }
    if (table.empty()) return note("No evaluation of pointing in these runs.");
    return note(
               "A hit is a maximum that lies inside a box of the class. Objects: hits over all "
               "pairs of image and class; classes: the mean of the classes\u2019 rates. The "
               "centre of the image is the guess of one who does not look.") +
           table.html();
}

}  // namespace report
