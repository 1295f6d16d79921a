// SPDX-License-Identifier: MIT
// What a reader wants to know first: mean average precision of each run, what the transfer gains,
// how good the source network is.
#pragma once

#include "report/format.hpp"
#include "report/run.hpp"
#include "report/table.hpp"

namespace report {

using Runs = std::vector<Run>;

/// What distinguishes a run in the comparison; empty where nothing is known.
inline std::string mode_words(const Run& run) {
    if (run.mode == "frozen") return "pre-trained";
    if (run.mode == "fc6") return "pre-trained, FC6 learns";
    if (run.mode == "finetune") return "pre-trained, everything learns";
    if (run.mode == "whole") return "pre-trained, whole images";
    if (run.mode == "scratch") return "from scratch";
    return run.mode;
}

/// Of the source task, a fraction: at the end of the run, or at its last epoch so far.
inline double last_accuracy(const Run& run, const char* finish_field,
                            double EpochEntry::*epoch_field) {
    const double finished =
        Fields(run.log.finish, run.folder + "/log.jsonl: finish").number(finish_field);
    if (std::isfinite(finished)) return finished;
    return run.log.epochs.empty() ? missing : run.log.epochs.back().*epoch_field;
}
inline double last_top1(const Run& run) {
    return last_accuracy(run, "val_top1", &EpochEntry::val_top1);
}
inline double last_top5(const Run& run) {
    return last_accuracy(run, "val_top5", &EpochEntry::val_top5);
}

/// Mean over the evaluated runs of a role; NaN when there is none.
inline double mean_map(const Runs& runs, Role role) {
    double sum = 0, evaluated = 0;
    for (const Run& run : runs) {
        if (run.role != role || !run.evaluation || !std::isfinite(run.evaluation->map)) continue;
        sum += run.evaluation->map;
        ++evaluated;
    }
    return evaluated > 0 ? sum / evaluated : missing;
}

/// mAP of the pre-trained runs minus that of the runs from scratch, a fraction. Variants stand in
/// where no run froze everything up to FC7.
inline double transfer_gain(const Runs& runs) {
    const double frozen = mean_map(runs, Role::transferred);
    const double trained = std::isfinite(frozen) ? frozen : mean_map(runs, Role::variant);
    return trained - mean_map(runs, Role::scratch);
}

namespace detail {

inline Html tile(const std::string& what, const std::string& value, const std::string& unit,
                 const std::string& under, const char* style = "tile") {
    return element("div", {{"class", style}},
                   element("dt", words(what)) +
                       element("dd", element("span", {{"class", "figure"}}, words(value)) +
                                         words(" " + unit)) +
                       element("dd", {{"class", "under"}}, words(under)));
}

/// Evaluated runs of a mode, such as several seeds, share a tile with their mean and range.
inline Html map_tile(const std::string& mode, const std::vector<const Run*>& runs) {
    double sum = 0, low = HUGE_VAL, high = -HUGE_VAL;
    for (const Run* run : runs) {
        const double map = run->evaluation->map;
        sum += map;
        low = std::fmin(low, map);
        high = std::fmax(high, map);
    }
    const auto number = static_cast<double>(runs.size());
    const std::string range =
        "mean of " + count(number) + " runs, " + percent(low) + " to " + percent(high);
    return tile(mode.empty() ? "mAP" : "mAP, " + mode, percent(sum / number), "%",
                runs.size() == 1 ? runs.front()->name : range);
}

inline Html tiles(const Runs& runs) {
    Html content;
    std::vector<std::pair<std::string, std::vector<const Run*>>> modes;
    for (const Run& run : runs) {
        if (!run.evaluation) continue;
        const std::string mode = mode_words(run);
        const auto found = std::find_if(modes.begin(), modes.end(),
                                        [&](const auto& known) { return known.first == mode; });
        if (found == modes.end()) {
            modes.push_back({mode, {&run}});
        } else {
            found->second.push_back(&run);
        }
    }
    for (const auto& [mode, members] : modes) content += map_tile(mode, members);
    const double gain = transfer_gain(runs);
    if (std::isfinite(gain)) {
        content +=
            tile("Gain", points(gain), "points", "pre-trained minus from scratch", "tile gain");
    }
    for (const Run& run : runs) {
        const double top1 = last_top1(run);
        if (run.role != Role::source || !std::isfinite(top1)) continue;
        const double top5 = last_top5(run);
        content += tile("Source task, top-1", percent(top1), "%",
                        std::isfinite(top5) ? "top-5 " + percent(top5) + " %" : run.name);
    }
    return content;
}

inline std::string evaluation_sentence(const Runs& runs) {
    for (const Run& run : runs) {
        if (!run.evaluation) continue;
        const Evaluation& e = *run.evaluation;
        std::string words = "mAP: mean over " + count(double(e.classes.size())) +
                            " classes of the average precision at eleven points, measured on ";
        words +=
            (std::isfinite(e.images) ? count(e.images) + " images" : std::string("the images"));
        words += e.set.empty() ? " of the target task" : " of the set \u201C" + e.set + "\u201D";
        if (std::isfinite(e.power) && e.mode != "whole") {
            words += "; an image scores the mean of its patches\u2019 scores" +
                     (e.power == 1 ? std::string() : " to the power " + shortest(e.power)) +
                     (e.per_scale_mean ? ", averaged over the scales" : "");
        }

        return words + ".";
    }
    return "No run has been evaluated yet: there is no evaluation.json.";
}

}  // namespace detail

inline Html headline_section(const Runs& runs) {
    const Html tiles = detail::tiles(runs);
    Html content;
    if (!tiles.empty()) content += element("dl", {{"class", "tiles"}}, tiles);
    content += note(detail::evaluation_sentence(runs));
    return content;
}

}  // namespace report
