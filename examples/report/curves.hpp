// SPDX-License-Identifier: MIT
// How the training went: loss and accuracy over the epochs of each run.
#pragma once

#include "report/chart.hpp"
#include "report/headline.hpp"

namespace report {

namespace detail {

using EpochField = double EpochEntry::*;

inline void add_series(LineChart& chart, const Log& log, const char* name, const char* style,
                       EpochField field) {
    Series series{name, style, {}};
    bool any = false;
    for (const EpochEntry& epoch : log.epochs) {
        series.points.emplace_back(epoch.epoch, epoch.*field);
        any |= std::isfinite(epoch.*field) && epoch.*field != 0;  // 0: not measured
    }
    if (any) chart.series.push_back(std::move(series));
}

/// Where the rate falls to half or less, as steps and plateaus do. A schedule that falls all the
/// time (cosine) has no marks.
inline std::vector<Mark> rate_marks(const Log& log) {
    std::vector<Mark> marks;
    for (std::size_t i = 1; i < log.epochs.size(); ++i) {
        const double before = log.epochs[i - 1].rate, after = log.epochs[i].rate;
        if (after > 0 && after <= 0.5 * before) {
            marks.push_back({log.epochs[i - 1].epoch, shortest(after)});
        }
    }
    return marks.size() <= 5 ? marks : std::vector<Mark>{};
}

inline LineChart loss_chart(const Run& run) {
    LineChart chart{.title = "Loss, " + run.name,
                    .x_label = "epoch",
                    .y_label = "loss",
                    .may_be_logarithmic = true,
                    .series = {},
                    .marks = rate_marks(run.log)};
    add_series(chart, run.log, "training, mean of the epoch", "quiet", &EpochEntry::loss);
    add_series(chart, run.log, "training subset", "c2", &EpochEntry::train_subset_loss);
    add_series(chart, run.log, "validation", "c1", &EpochEntry::val_loss);
    return chart;
}

inline LineChart accuracy_chart(const Run& run) {
    LineChart chart{.title = "Accuracy, " + run.name,
                    .x_label = "epoch",
                    .y_label = "accuracy, %",
                    .percent = true,
                    .series = {},
                    .marks = rate_marks(run.log)};
    add_series(chart, run.log, "top-1, training subset", "c2", &EpochEntry::train_top1);
    add_series(chart, run.log, "top-1, validation", "c1", &EpochEntry::val_top1);
    add_series(chart, run.log, "top-5, validation", "c1 dotted", &EpochEntry::val_top5);
    return chart;
}

/// For a run that logs steps and no epochs. At most about 400 points: each the mean of its
/// neighbours, since the loss of one batch is mostly noise.
inline LineChart step_chart(const Run& run) {
    const std::vector<StepEntry>& steps = run.log.steps;
    const std::size_t group = steps.size() / 400 + 1;
    Series series{"training", "c1", {}};
    for (std::size_t i = 0; i < steps.size(); i += group) {
        const std::size_t end = std::min(i + group, steps.size());
        double sum = 0;
        for (std::size_t k = i; k < end; ++k) sum += steps[k].loss;
        series.points.emplace_back(steps[end - 1].step, sum / static_cast<double>(end - i));
    }
    return {.title = "Loss, " + run.name,
            .x_label = "step",
            .y_label = "loss",
            .may_be_logarithmic = true,
            .series = {std::move(series)},
            .marks = {}};
}

inline Html chart_figure(const LineChart& chart) {
    const Html picture = draw(chart);
    if (picture.empty()) return {};
    return element("figure", element("figcaption", element("b", words(chart.title))) + picture +
                                 legend(chart));
}

inline Html epoch_table(const Run& run) {
    Table table("Epochs of " + run.name, {{"epoch"},
                                          {"training", "loss"},
                                          {"training subset", "loss"},
                                          {"validation", "loss"},
                                          {"training subset", "top-1, %"},
                                          {"validation", "top-1, %"},
                                          {"validation", "top-5, %"},
                                          {"rate", "training"},
                                          {"seconds", "training"},
                                          {"samples/s", "training"}});
    for (const EpochEntry& e : run.log.epochs) {
        table.add({count(e.epoch), fixed(e.loss, 3), fixed(e.train_subset_loss, 3),
                   fixed(e.val_loss, 3), percent(e.train_top1), percent(e.val_top1),
                   percent(e.val_top5), shortest(e.rate), fixed(e.seconds, 1),
                   count(e.per_second)});
    }
    return element("details",
                   element("summary", words("All epochs of " + run.name)) + table.html());
}

inline std::string state_of(const Log& log) {
    if (log.finished) return "";
    if (log.interrupted) return "the run was interrupted; it can be resumed.";
    return log.cut ? "the log ends within a line, the run was killed, or is still writing."
                   : "the run has not finished.";
}

}  // namespace detail

inline Html curves_section(const Runs& runs) {
    Html charts, below;
    for (const Run& run : runs) {
        const bool trained = !run.log.epochs.empty() || !run.log.steps.empty();
        if (!run.log.epochs.empty()) {
            charts += detail::chart_figure(detail::loss_chart(run));
            charts += detail::chart_figure(detail::accuracy_chart(run));
        } else if (!run.log.steps.empty()) {
            charts += detail::chart_figure(detail::step_chart(run));
        }
        const std::string state = detail::state_of(run.log);
        if (trained && !state.empty()) below += note(run.name + ": " + state);
        if (!run.log.epochs.empty()) below += detail::epoch_table(run);
    }
    if (charts.empty()) {
        return note("None of these runs has logged a training: no epoch or step in log.jsonl.");
    }
    return note(
               "Dotted lines across a chart mark where the learning rate falls, with its new "
               "value.") +
           element("div", {{"class", "charts"}}, charts) + below;
}

}  // namespace report
