// SPDX-License-Identifier: MIT
// Horizontal bars in groups, as SVG in the page.
#pragma once

#include "report/chart.hpp"

namespace report {

/// Fractions: one group a label, one bar a series, the value at its end.
struct BarChart {
    struct Series {
        std::string name;
        std::string style;
        std::vector<double> values;  ///< in the order of the labels
    };
    std::string title;
    std::vector<std::string> labels;
    std::vector<Series> series;
};

/// The groups from `begin` to `end`; all parts of a chart share the axis from 0 to `high`.
inline Html draw(const BarChart& chart, std::size_t begin, std::size_t end, double high) {
    using namespace detail;
    constexpr double left = 104, right = 396, bar = 11, gap = 9, top = 6;
    const double group = bar * static_cast<double>(chart.series.size()) + gap;
    const double bottom = top + group * static_cast<double>(end - begin);
    const Axis x{0, high, left, right};
    Html parts;
    for (const double tick : linear_ticks(0, high, 4)) {
        parts += svg_line("grid", x.at(tick), top, x.at(tick), bottom);
        parts += svg_words("tick x", x.at(tick), bottom + 16, shortest(std::round(100 * tick)));
    }
    for (std::size_t i = begin; i < end; ++i) {
        const double y = top + group * static_cast<double>(i - begin) + gap / 2;
        const double middle = y + (group - gap) / 2;
        const std::string& label = chart.labels[i];
        parts += svg_words("tick y", left - 8, middle + 4, label);
        for (std::size_t s = 0; s < chart.series.size(); ++s) {
            const double value = chart.series[s].values[i];
            const double at = y + bar * static_cast<double>(s);
            if (std::isfinite(value)) {
                parts += leaf("rect", {{"class", "bar " + chart.series[s].style},
                                       {"x", place(left)},
                                       {"y", place(at)},
                                       {"width", place(x.at(value) - left)},
                                       {"height", place(bar - 1)}});
            }
            parts += svg_words("value", x.at(std::isfinite(value) ? value : 0) + 4, at + bar - 2,
                               percent(value));
        }
    }
    parts += svg_line("axis", left, top, left, bottom);
    return element("svg",
                   {{"viewBox", "0 0 440 " + place(bottom + 22)},
                    {"role", "img"},
                    {"aria-label", chart.title + ", per cent; the table has the same numbers"}},
                   parts);
}

inline Html legend(const BarChart& chart) {
    Html items;
    for (const BarChart::Series& series : chart.series) {
        const Html swatch = element(
            "svg", {{"class", "swatch"}, {"viewBox", "0 0 22 8"}, {"aria-hidden", "true"}},
            leaf("rect", {{"class", "bar " + series.style}, {"width", "22"}, {"height", "8"}}));
        items += element("li", swatch + words(series.name));
    }
    return element("ul", {{"class", "legend"}}, items);
}

}  // namespace report
