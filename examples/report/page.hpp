// SPDX-License-Identifier: MIT
// The whole report, from runs to one HTML document that needs nothing else.
#pragma once

#include "program/environment.hpp"
#include "report/account.hpp"
#include "report/curves.hpp"
#include "report/examples_shown.hpp"
#include "report/precision.hpp"
#include "report/style.hpp"

namespace report {

struct PageOptions {
    std::string title = "Transfer of mid-level features";
    std::string command;  ///< that made the report, for its foot
};

namespace detail {

struct Section {
    const char* name;  ///< of the link
    const char* heading;
    Html (*content)(const Runs&);
};

inline constexpr Section sections[] = {
    {"results", "Results", headline_section},
    {"curves", "Training", curves_section},
    {"precision", "Average precision", precision_section},
    {"paper", "Beside the paper", paper_section},
    {"patches", "Training patches", patches_section},
    {"heat-maps", "Heat maps", heat_maps_section},
    {"pointing", "Pointing", pointing_section},
    {"speed", "Time and rates", speed_section},
    {"configuration", "Configuration", configuration_section},
};

inline Html head(const std::string& title) {
    // Whatever a name in a data set tries, the page loads nothing and runs nothing.
    const char* policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
    return element(
        "head", leaf("meta", {{"charset", "utf-8"}}) +
                    leaf("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", policy}}) +
                    leaf("meta", {{"name", "viewport"},
                                  {"content", "width=device-width, initial-scale=1"}}) +
                    element("title", words(title)) + element("style", Html::literal(style_sheet)));
}

inline std::string subtitle(const Runs& runs) {
    std::string line = runs.size() == 1 ? "Run " : "Runs ";
    double began = missing;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        line += (i == 0 ? "" : i + 1 == runs.size() ? " and " : ", ") + runs[i].name;
        began = std::fmin(began, runs[i].log.began);
    }
    return std::isfinite(began) ? line + ", begun " + date(began) : line;
}

}  // namespace detail

/// The document. Throws Error when a picture that an evaluation names is missing or malformed.
inline std::string page(const Runs& runs, const PageOptions& options = {}) {
    Html links, body;
    for (const detail::Section& section : detail::sections) {
        const Html heading = words(section.heading);
        links += element("li", element("a", {{"href", std::string("#") + section.name}}, heading));
        body += element("section", {{"id", section.name}},
                        element("h2", heading) + section.content(runs));
    }
    Html foot = element("p", words("Page written by " + program::environment_words() + "."));
    if (!options.command.empty()) foot += element("p", element("code", words(options.command)));
    const Html top = element("h1", words(options.title)) + note(detail::subtitle(runs)) +
                     element("nav", {{"aria-label", "Sections"}}, element("ul", links));
    const Html document =
        element("html", {{"lang", "en"}},
                detail::head(options.title) +
                    element("body", element("header", top) + element("main", body) +
                                        element("footer", foot)));
    return "<!DOCTYPE html>\n" + document.code() + "\n";
}

}  // namespace report
