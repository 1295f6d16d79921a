// SPDX-License-Identifier: MIT
// A network as text: a table for people, and a graph for Graphviz.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/net/plan.hpp"
#include "tessera/net/receptive_field.hpp"

namespace tessera {

namespace detail {

using TableRow = std::vector<std::string>;

/// "60965224" as "60,965,224".
inline std::string grouped_digits(Index count) {
    std::string digits = std::to_string(count);
    for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
        digits.insert(static_cast<std::size_t>(at), 1, ',');
    }
    return digits;
}

inline std::string with_decimals(double value, int decimals) {
    char digits[48];
    std::snprintf(digits, sizeof digits, "%.*f", decimals, value);
    return digits;
}

/// Size and stride of the field, both axes where they differ; "?" behind a window over a dynamic
/// extent.
inline std::string field_text(const ReceptiveField& field) {
    auto axis = [](const Field& f) { return text(f.size, "/", f.stride); };
    if (field.vertical.size < 1 || field.horizontal.size < 1) return "?";
    return field.vertical == field.horizontal
               ? axis(field.vertical)
               : text(axis(field.vertical), " ", axis(field.horizontal));
}

/// Columns as wide as their widest cell; the first `left` ones flush left, the others flush right.
inline std::string aligned_table(const std::vector<TableRow>& rows, std::size_t left) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const TableRow& row : rows) {
        for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
    }
    std::string table;
    for (const TableRow& row : rows) {
        std::string line;
        for (std::size_t c = 0; c < row.size(); ++c) {
            const std::string fill(widths[c] - row[c].size(), ' ');
            line += c < left ? row[c] + fill : fill + row[c];
            line += "  ";
        }
        line.erase(line.find_last_not_of(' ') + 1);
        table += line + "\n";
    }
    return table;
}

inline std::string marks(const LayerInfo& layer) {
    return text(layer.frozen ? "frozen" : "", layer.frozen && layer.tapped ? ", " : "",
                layer.tapped ? "tapped" : "");
}

}  // namespace detail

/// One line a layer: position, name, kind, output, parameters, millions of floating-point
/// operations, kilobytes (1,024 bytes) of output, receptive field as size/stride in pixels, frozen
/// and tapped; then the totals and the bytes of the arena for each sample. Figures of one sample in
/// float; what depends on a dynamic extent is "?". Throws Error when a layer does not fit.
template <class Net>
std::string summary(Shape input) {
    const auto layers = describe<Net>(input);
    require_fit(layers, "summary");
    const bool known = input.known();
    auto if_known = [&](bool holds, const std::string& words) {
        return holds ? words : std::string("?");
    };
    std::vector<detail::TableRow> rows = {
        {"", "name", "kind", "marks", "output", "parameters", "MFLOPs", "output KB", "field"}};
    Index learning = 0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const LayerInfo& layer = layers[i];
        const Index count = layer.parameters.total();
        if (!layer.frozen) learning += count;
        const double bytes = layer.output.known() ? 4.0 * layer.output.size() : 0.0;
        rows.push_back({std::to_string(i), std::string(layer.name), std::string(layer.kind),
                        detail::marks(layer), text(layer.output), detail::grouped_digits(count),
                        if_known(layer.input.known(), detail::with_decimals(layer.flops / 1e6, 2)),
                        if_known(layer.output.known(), detail::with_decimals(bytes / 1024, 1)),
                        detail::field_text(receptive_field(layers, static_cast<int>(i) + 1))});
    }
    std::string words = text("input ", input, "\n", detail::aligned_table(rows, 4));
    const Index count = parameter_count<Net>(input);
    words += text(detail::grouped_digits(count), " parameters, ", detail::grouped_digits(learning),
                  " of them learning\n");
    if (!known) return words;
    auto arena = [&](Mode mode) {
        return detail::grouped_digits(make_plan(layers, {.mode = mode}).bytes_per_sample);
    };
    words += text(detail::with_decimals(flops<Net>(input) / 1e6, 2), " MFLOPs, ",
                  detail::with_decimals(static_cast<double>(bytes<Net>(input)) / 1e6, 2),
                  " MB moved\narena bytes per sample: ", arena(Mode::inference), " for inference, ",
                  arena(Mode::training), " for training\n");
    return words;
}

/// The network in Graphviz's language: a box for each layer (grey when frozen, doubled when
/// tapped), an arrow with the shape that passes. Throws Error when a layer does not fit.
template <class Net>
std::string dot_graph(Shape input) {
    const auto layers = describe<Net>(input);
    require_fit(layers, "dot_graph");
    std::string graph =
        "digraph network {\n  node [shape=box];\n  input [shape=plaintext];\n"
        "  output [shape=plaintext];\n";
    std::string before = "input";
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const LayerInfo& layer = layers[i];
        const std::string node = text("layer", i);
        std::string label = layer.name.empty() ? text(i) : std::string(layer.name);
        label += text("\\n", layer.kind);
        const Index count = layer.parameters.total();
        if (count > 0) label += text("\\n", detail::grouped_digits(count), " parameters");
        graph += text("  ", node, " [label=\"", label, "\"",
                      layer.frozen ? ", style=filled, fillcolor=lightgrey" : "",
                      layer.tapped ? ", peripheries=2" : "", "];\n");
        graph += text("  ", before, " -> ", node, " [label=\"", layer.input, "\"];\n");
        before = node;
    }
    const Shape output = layers.empty() ? input : layers.back().output;
    return graph + text("  ", before, " -> output [label=\"", output, "\"];\n}\n");
}

}  // namespace tessera
