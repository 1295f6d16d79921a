// SPDX-License-Identifier: MIT
// Line charts as SVG in the page: axes with round ticks, a logarithmic scale where values ask for
// it, marks for events.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "report/axis.hpp"
#include "report/format.hpp"
#include "report/html.hpp"

namespace report {

/// A line through points. `style` is a class of the style sheet: colour and dashes.
struct Series {
    std::string name;
    std::string style;
    std::vector<std::pair<double, double>> points;
};

struct Mark {
    double x;
    std::string words;
};

struct LineChart {
    std::string title;
    std::string x_label, y_label;
    bool percent = false;             ///< values are fractions
    bool may_be_logarithmic = false;  ///< where values span a factor of five or more
    std::vector<Series> series;
    std::vector<Mark> marks;
};

namespace detail {

inline constexpr double chart_width = 440, chart_height = 270;
inline constexpr double chart_left = 46, chart_right = 428, chart_top = 32, chart_bottom = 230;

inline std::string place(double position) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.1f", position);
    return digits;
}

inline Html svg_line(const char* style, double x1, double y1, double x2, double y2) {
    return leaf("line", {{"class", style},
                         {"x1", place(x1)},
                         {"y1", place(y1)},
                         {"x2", place(x2)},
                         {"y2", place(y2)}});
}

inline Html svg_words(const char* style, double x, double y, const std::string& content) {
    return element("text", {{"class", style}, {"x", place(x)}, {"y", place(y)}}, words(content));
}

/// One <path> a series; a value that is not there leaves a gap.
inline Html svg_path(const Series& series, const Axis& x, const Axis& y) {
    std::string path;
    bool pen_down = false;
    for (const auto& [px, py] : series.points) {
        const bool there = std::isfinite(py) && (!y.logarithmic || py > 0);
        if (there) path += (pen_down ? "L" : "M") + place(x.at(px)) + " " + place(y.at(py));
        pen_down = there;
    }
    return leaf("path", {{"class", "series " + series.style}, {"d", path}});
}

/// Dots that show their values when pointed at; left out when they would touch.
inline Html svg_dots(const LineChart& chart, const Series& series, const Axis& x, const Axis& y) {
    Html dots;
    if (series.points.size() > 40) return dots;
    for (const auto& [px, py] : series.points) {
        if (!std::isfinite(py) || (y.logarithmic && py <= 0)) continue;
        const std::string value = chart.percent ? percent(py) + " %" : significant(py);
        dots += element(
            "circle",
            {{"class", series.style}, {"cx", place(x.at(px))}, {"cy", place(y.at(py))}, {"r", "2"}},
            element("title",
                    words(chart.x_label + " " + shortest(px) + ", " + series.name + ": " + value)));
    }
    return dots;
}

inline Html svg_axes(const LineChart& chart, const Axis& x, const Axis& y) {
    Html parts;
    const auto y_ticks =
        y.logarithmic ? logarithmic_ticks(y.low, y.high) : linear_ticks(y.low, y.high, 5);
    for (const double tick : y_ticks) {
        const double at = y.at(tick);
        parts += svg_line("grid", chart_left, at, chart_right, at);
        parts += svg_words("tick y", chart_left - 6, at + 4,
                           shortest(chart.percent ? std::round(1000 * tick) / 10 : tick));
    }
    for (const double tick : linear_ticks(x.low, x.high, 6, 1)) {
        const double at = x.at(tick);
        parts += svg_line("axis", at, chart_bottom, at, chart_bottom + 4);
        parts += svg_words("tick x", at, chart_bottom + 18, shortest(tick));
    }
    parts += svg_line("axis", chart_left, chart_bottom, chart_right, chart_bottom);
    parts += svg_words("label x", (chart_left + chart_right) / 2, chart_height - 6, chart.x_label);
    parts +=
        svg_words("label", 0, 10, chart.y_label + (y.logarithmic ? ", logarithmic scale" : ""));
    return parts;
}

inline Html svg_marks(const LineChart& chart, const Axis& x) {
    Html parts;
    double last = 0;
    for (const Mark& mark : chart.marks) {
        const double at = x.at(mark.x);
        parts += svg_line("mark", at, chart_top, at, chart_bottom);
        const bool room = at - last > 48;  // for the words of the mark before
        if (room) parts += svg_words("mark x", at, chart_top - 5, mark.words);
        if (room) last = at;
    }
    return parts;
}

}  // namespace detail

/// The chart, or nothing when no series has a value.
inline Html draw(const LineChart& chart) {
    using namespace detail;
    double low = HUGE_VAL, high = -HUGE_VAL, low_positive = HUGE_VAL, first = HUGE_VAL,
           last = -HUGE_VAL;
    for (const Series& series : chart.series) {
        for (const auto& [x, y] : series.points) {
            if (!std::isfinite(x) || !std::isfinite(y)) continue;
            low = std::min(low, y);
            high = std::max(high, y);
            if (y > 0) low_positive = std::min(low_positive, y);
            first = std::min(first, x);
            last = std::max(last, x);
        }
    }
    if (!(low <= high)) return {};
    const bool logarithmic = chart.may_be_logarithmic && low > 0 && high / low_positive >= 5;
    if (first == last) first -= 1, last += 1;
    const double floor = std::min(0.0, low);
    Axis x{first, last, chart_left + 4, chart_right - 4};
    Axis y{logarithmic ? low / 1.15 : floor, logarithmic ? high * 1.15 : high, chart_bottom,
           chart_top + 4, logarithmic};
    if (!logarithmic) y.high += 0.06 * (y.high > y.low ? y.high - y.low : 1);

    std::string description = chart.title + ".";
    for (const Series& series : chart.series) {
        if (series.points.empty()) continue;
        const double end = series.points.back().second;
        description += " " + series.name + " ends at " +
                       (chart.percent ? percent(end) + " per cent." : significant(end) + ".");
    }
    Html parts = svg_axes(chart, x, y) + svg_marks(chart, x);
    for (const Series& series : chart.series) parts += svg_path(series, x, y);
    for (const Series& series : chart.series) parts += svg_dots(chart, series, x, y);
    return element("svg",
                   {{"viewBox", "0 0 " + shortest(chart_width) + " " + shortest(chart_height)},
                    {"role", "img"},
                    {"aria-label", description}},
                   parts);
}

/// What the lines are, with their last values.
inline Html legend(const LineChart& chart) {
    Html items;
    for (const Series& series : chart.series) {
        if (series.points.empty()) continue;
        const double end = series.points.back().second;
        const Html swatch =
            element("svg", {{"class", "swatch"}, {"viewBox", "0 0 22 8"}, {"aria-hidden", "true"}},
                    leaf("line", {{"class", "series " + series.style},
                                  {"x1", "0"},
                                  {"y1", "4"},
                                  {"x2", "22"},
                                  {"y2", "4"}}));
        items += element(
            "li", swatch + words(series.name + " ") +
                      element("b", words(chart.percent ? percent(end) + " %" : significant(end))));
    }
    return element("ul", {{"class", "legend"}}, items);
}

}  // namespace report
