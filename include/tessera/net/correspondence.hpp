// SPDX-License-Identifier: MIT
// Which parameters of one network are those of another: how surgery knows what it kept.
#pragma once

#include <algorithm>
#include <array>

#include "tessera/net/layout.hpp"

namespace tessera {

namespace detail {

template <class... Layers>
constexpr auto layer_names(Seq<Layers...>) {
    return std::array<std::string_view, sizeof...(Layers)>{Layers::name...};
}

/// The same bytes in the same order, whatever the rank a file gives them.
constexpr bool same_array(const ParameterInfo& a, const ParameterInfo& b) {
    return a.role == b.role && a.outputs == b.outputs && a.inputs == b.inputs &&
           a.height == b.height && a.width == b.width && a.groups == b.groups;
}

/// The layers of two entries have the same arrays, all of them: a layer whose weight is new does
/// not keep its old bias.
template <int Count, int OtherCount>
constexpr bool same_layer(const ParameterLayout<Count>& layout, int layer,
                          const ParameterLayout<OtherCount>& other, int other_layer) {
    std::size_t i = 0, j = 0;
    while (layout.entries[i].layer != layer) ++i;
    while (other.entries[j].layer != other_layer) ++j;
    auto inside = [](const auto& of, std::size_t at, int wanted) {
        return at < of.entries.size() && of.entries[at].layer == wanted;
    };
    for (; inside(layout, i, layer) && inside(other, j, other_layer); ++i, ++j) {
        if (!same_array(layout.entries[i].info, other.entries[j].info)) return false;
    }
    return !inside(layout, i, layer) && !inside(other, j, other_layer);
}

}  // namespace detail

/// In place of a correspondence, at every position: the layers without names fit Source counted
/// from its front as well as from its back.
inline constexpr int ambiguous = -2;

/// For each parameter array of Target the array of Source it is, or -1 when it is new. Layers with
/// a name are found by name; layers without one by position, counted from the front, or from the
/// back when Target is a tail of Source; in both cases all arrays of the layer must agree.
template <class Target, class Source, int Count, int SourceCount>
constexpr std::array<int, Count> correspondence(const ParameterLayout<Count>& target,
                                                const ParameterLayout<SourceCount>& source) {
    constexpr auto names = detail::layer_names(Target{});
    constexpr auto source_names = detail::layer_names(Source{});
    constexpr int shift = Source::depth - Target::depth;
    auto match = [&](const ParameterEntry& entry, int shifted) {
        const std::string_view name = names[static_cast<std::size_t>(entry.layer)];
        for (int j = 0; j < SourceCount; ++j) {
            const ParameterEntry& candidate = source.entries[static_cast<std::size_t>(j)];
            const bool same_place =
                name.empty() ? candidate.layer == entry.layer + shifted &&
                                   source_names[static_cast<std::size_t>(candidate.layer)].empty()
                             : source_names[static_cast<std::size_t>(candidate.layer)] == name;
            if (same_place && candidate.slot == entry.slot &&
                detail::same_layer(target, entry.layer, source, candidate.layer)) {
                return j;
            }
        }
        return -1;
    };
    auto matches = [&](int shifted) {
        std::array<int, Count> kept{};
        for (std::size_t i = 0; i < Count; ++i) kept[i] = match(target.entries[i], shifted);
        return kept;
    };
    const std::array<int, Count> from_front = matches(0);
    if (shift > 0) {
        const std::array<int, Count> from_back = matches(shift);
        const auto complete = [](const std::array<int, Count>& kept) {
            return std::all_of(kept.begin(), kept.end(), [](int j) { return j >= 0; });
        };
        if (complete(from_back) && from_back != from_front) {
            if (!complete(from_front)) return from_back;
            std::array<int, Count> unclear{};
            unclear.fill(ambiguous);
            return unclear;
        }
    }
    return from_front;
}

}  // namespace tessera
