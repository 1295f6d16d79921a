// SPDX-License-Identifier: MIT
// Average precision of each class in each run, as a table and as bars, and the paper's rows.
#pragma once

#include "report/bars.hpp"
#include "report/headline.hpp"
#include "report/paper_rows.hpp"

namespace report {

namespace detail {

inline std::vector<const Run*> evaluated(const Runs& runs) {
    std::vector<const Run*> found;
    for (const Run& run : runs) {
        if (run.evaluation) found.push_back(&run);
    }
    return found;
}

/// Classes of all evaluations, in the order in which they first appear.
inline std::vector<std::string> classes_of(const std::vector<const Run*>& runs) {
    std::vector<std::string> names;
    for (const Run* run : runs) {
        for (const std::string& name : run->evaluation->classes) {
            if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
        }
    }
    return names;
}

inline const Run* first_of(const std::vector<const Run*>& runs, Role role) {
    for (const Run* run : runs) {
        if (run->role == role) return run;
    }
    return nullptr;
}

/// The runs' columns, and where there is one of each kind, their difference.
inline Html precision_table(const std::vector<const Run*>& runs) {
    const Run* transferred = first_of(runs, Role::transferred);
    const Run* scratch = first_of(runs, Role::scratch);
    const bool compare = runs.size() == 2 && transferred && scratch;
    std::vector<Column> columns{{"class"}, {"positives"}};
    for (const Run* run : runs) columns.push_back({run->name, "average precision, %"});
    if (compare) columns.push_back({"difference", "average precision, %"});
    Table table("Average precision at eleven points", columns);
    const auto add_cells = [&](std::vector<Cell>& cells, auto value) {
        double best = -HUGE_VAL;
        for (const Run* run : runs) best = std::fmax(best, value(*run));
        for (const Run* run : runs) {
            const double v = value(*run);
            cells.emplace_back(words(percent(v)), runs.size() > 1 && v == best);
        }
        if (compare) cells.emplace_back(words(points(value(*transferred) - value(*scratch))));
    };
    for (const std::string& name : classes_of(runs)) {
        std::vector<Cell> cells{name, count(runs.front()->evaluation->positives_of(name))};
        add_cells(cells, [&](const Run& run) { return run.evaluation->ap_of(name); });
        table.add(cells);
    }
    std::vector<Cell> mean{"mAP, eleven points", ""}, area{"mAP, all points", ""};
    add_cells(mean, [](const Run& run) { return run.evaluation->map; });
    add_cells(area, [](const Run& run) { return run.evaluation->map_area; });
    table.add_total(mean);
    table.add_total(area);
    return table.html();
}

/// Sorted by the first run, in two columns when there are many classes.
inline Html precision_bars(const std::vector<const Run*>& runs) {
    BarChart chart{.title = "Average precision by class", .labels = {}, .series = {}};
    chart.labels = classes_of(runs);
    const Evaluation& first = *runs.front()->evaluation;
    std::stable_sort(chart.labels.begin(), chart.labels.end(),
                     [&](const std::string& a, const std::string& b) {
                         const double left = first.ap_of(a), right = first.ap_of(b);
                         return std::isfinite(left) && (!std::isfinite(right) || left > right);
                     });
    double high = 0.1;
    for (std::size_t i = 0; i < std::min<std::size_t>(runs.size(), 4); ++i) {
        BarChart::Series series{runs[i]->name, "c" + std::to_string(i + 1), {}};
        for (const std::string& label : chart.labels) {
            series.values.push_back(runs[i]->evaluation->ap_of(label));
            high = std::fmax(high, series.values.back());
        }
        chart.series.push_back(std::move(series));
    }
    high = std::ceil(10 * high - 1e-9) / 10;
    const std::size_t all = chart.labels.size(), half = all > 8 ? (all + 1) / 2 : all;
    Html parts = draw(chart, 0, half, high);
    if (half < all) parts += draw(chart, half, all, high);
    return element("figure",
                   element("figcaption", element("b", words("Average precision by class, %"))) +
                       legend(chart) + element("div", {{"class", "charts"}}, parts));
}

/// The runs' own numbers in front of the paper's, class by class.
inline Html paper_table_by_class(const std::vector<const Run*>& runs) {
    std::vector<Column> columns{{"class"}};
    for (const Run* run : runs) columns.push_back({run->name, "here, eleven points"});
    for (const PaperTable& table : paper_tables) {
        const std::string group =
            "paper, " + std::string(table.data) + ", " + std::string(table.rule);
        for (const PaperRow& row : table.rows) {
            columns.push_back({std::string(row.name), group, false, true});
        }
    }
    Table table("Average precision, %, beside the paper's rows", columns);
    for (const std::string& name : classes_of(runs)) {
        std::vector<Cell> cells{name};
        for (const Run* run : runs) cells.emplace_back(percent(run->evaluation->ap_of(name)));
        for (const PaperTable& paper : paper_tables) {
            for (const PaperRow& row : paper.rows) {
                cells.emplace_back(fixed(row.ap[*voc_index(name)], 1));
            }
        }
        table.add(cells);
    }
    std::vector<Cell> mean{"mAP"};
    for (const Run* run : runs) mean.emplace_back(percent(run->evaluation->map));
    for (const PaperTable& paper : paper_tables) {
        for (const PaperRow& row : paper.rows) mean.emplace_back(fixed(row.map, 1));
    }
    table.add_total(mean);
    return table.html();
}

/// For other classes than VOC's: only the means, which at least show how large a gain was there.
inline Html paper_table_of_means() {
    Table table("The paper\u2019s mAP on PASCAL VOC, %",
                {{"row"}, {"data", "", true}, {"rule", "", true}, {"mAP"}});
    for (const PaperTable& paper : paper_tables) {
        for (const PaperRow& row : paper.rows) {
            table.add({std::string(row.name), std::string(paper.data), std::string(paper.rule),
                       fixed(row.map, 1)});
        }
    }
    return table.html();
}

}  // namespace detail

inline Html precision_section(const Runs& runs) {
    const std::vector<const Run*> evaluated = detail::evaluated(runs);
    if (evaluated.empty()) return note("No evaluation.json in these runs, so no table.");
    return detail::precision_bars(evaluated) + detail::precision_table(evaluated);
}

/// The paper's networks were larger, their data too, and their test sets are others: the rows are
/// there to compare the gain of pre-training, not the height.
inline Html paper_section(const Runs& runs) {
    const std::vector<const Run*> evaluated = detail::evaluated(runs);
    const bool voc = !evaluated.empty() && are_voc_classes(detail::classes_of(evaluated));
    Html content = voc ? note(
                             "The paper\u2019s rows were measured on other images (the full test "
                             "sets) with a larger network pre-trained on ImageNet; only the gain "
                             "by pre-training can be compared, not the height. PRE rows are "
                             "transferred, NO PRETRAIN is from scratch.")
                       : note(
                             "The classes here are not those of PASCAL VOC, so the paper\u2019s "
                             "rows have no counterpart by class. On VOC2012 its pre-trained "
                             "network (PRE-1000C) gained 7.8 points over the same network from "
                             "scratch (NO PRETRAIN).");
    content += voc ? detail::paper_table_by_class(evaluated) : detail::paper_table_of_means();
    return content + note(std::string(paper_citation) + ".");
}

}  // namespace report
