// SPDX-License-Identifier: MIT
// Tables: the first column names the rows, numbers stand right and under each other.
#pragma once

#include <string>
#include <vector>

#include "report/html.hpp"

namespace report {

struct Column {
    std::string heading;
    std::string group{};  ///< what neighbours have in common, above their headings
    bool is_words = false;
    bool foreign = false;  ///< not measured here
};

/// A cell of words or of markup; `strong` for the best or the decisive one.
struct Cell {
    Html content;
    bool strong = false;

    Cell(const std::string& text) : content(words(text)) {}
    Cell(const char* text) : content(words(text)) {}
    Cell(Html html, bool is_strong = false) : content(std::move(html)), strong(is_strong) {}
};

class Table {
public:
    Table(std::string caption, std::vector<Column> columns)
        : caption_(std::move(caption)), columns_(std::move(columns)) {}

    /// requires one cell a column.
    void add(const std::vector<Cell>& cells) { body_ += row(cells); }
    /// Set off by a line: means and sums.
    void add_total(const std::vector<Cell>& cells) { foot_ += row(cells); }
    bool empty() const { return body_.empty(); }

    /// In a box of its own that scrolls where the page is too narrow.
    Html html() const {
        Html parts = element("caption", words(caption_));
        parts += element("thead", head());
        parts += element("tbody", body_);
        if (!foot_.empty()) parts += element("tfoot", foot_);
        return element(
            "div",
            {{"class", "scroll"}, {"role", "region"}, {"tabindex", "0"}, {"aria-label", caption_}},
            element("table", parts));
    }

private:
    std::string style(std::size_t i, bool strong = false) const {
        std::string name = columns_[i].is_words ? "words" : "number";
        if (columns_[i].foreign) name += " foreign";
        const bool first_of_group = i > 0 && columns_[i].group != columns_[i - 1].group;
        if (first_of_group) name += " edge";
        if (strong) name += " strong";
        return name;
    }
    Html row(const std::vector<Cell>& cells) const {
        Html parts;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            parts += i == 0
                         ? element("th", {{"scope", "row"}}, cells[i].content)
                         : element("td", {{"class", style(i, cells[i].strong)}}, cells[i].content);
        }
        return element("tr", parts);
    }
    Html head() const {
        bool grouped = false;
        for (const Column& column : columns_) grouped |= !column.group.empty();
        Html groups, headings;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const bool spans = grouped && columns_[i].group.empty();
            const Html cell = element(
                "th", {{"scope", "col"}, {"class", style(i)}, {spans ? "rowspan" : "", "2"}},
                words(columns_[i].heading));
            (spans ? groups : headings) += cell;
            if (spans || !grouped) continue;
            std::size_t end = i;
            while (end < columns_.size() && columns_[end].group == columns_[i].group) ++end;
            if (i > 0 && columns_[i - 1].group == columns_[i].group) continue;
            groups += element("th",
                              {{"scope", "colgroup"},
                               {"class", columns_[i].foreign ? "group foreign edge" : "group edge"},
                               {"colspan", std::to_string(end - i)}},
                              words(columns_[i].group));
        }
        return grouped ? element("tr", groups) + element("tr", headings) : element("tr", headings);
    }

    std::string caption_;
    std::vector<Column> columns_;
    Html body_, foot_;
};

}  // namespace report
