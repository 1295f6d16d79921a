// SPDX-License-Identifier: MIT
// Shape mistakes, one readable diagnostic each. The template arguments of check_fit are the facts
// (position, layer, shape of its input); the sentence says what to change.
#pragma once

#include "tessera/net/description.hpp"

namespace tessera {

namespace detail {
template <class Net>
inline constexpr bool all_are_layers = false;
template <class... Layers>
inline constexpr bool all_are_layers<Seq<Layers...>> = (IsLayer<Layers> && ...);
}  // namespace detail

/// Fails to compile, with a sentence, when the layer does not accept the shape.
template <int Position, class L, Shape Input>
constexpr bool check_fit() {
    constexpr bool is_layer = IsLayer<L>;
    if constexpr (!is_layer) {
        static_assert(is_layer, "tessera: this is not a layer; derive it from tessera::Layer");
    } else {
        constexpr Fit fit = L::fit(Input);
        static_assert(fit != Fit::window_exceeds_input,
                      "tessera: the window is larger than the padded input; use a smaller window "
                      "or stride before it, or more padding");
        static_assert(fit != Fit::padding_reaches_window,
                      "tessera: the padding is as large as the window; use less padding");
        static_assert(fit != Fit::groups_divide_input,
                      "tessera: the input's channels are not a multiple of the groups");
        static_assert(fit != Fit::groups_divide_filters,
                      "tessera: the filters are not a multiple of the groups");
        static_assert(fit != Fit::extent_is_dynamic,
                      "tessera: Linear needs a known height and width; use Convolutionalise, or "
                      "GlobalMaxPool before it");
        static_assert(fit != Fit::rejected, "tessera: the layer does not accept this input shape");
    }
    return true;
}

/// Fails to compile: the layer has the name of an earlier one, or the number of one without a name.
template <int Position, class L>
constexpr bool check_name() {
    static_assert(Position < 0,
                  "tessera: two layers have this name, or it is a number, which stands for a layer "
                  "without a name; files and surgery go by names, so give each layer its own");
    return true;
}

/// Checks a whole flat network and reports its first mistake only.
template <class Net, Shape Input>
constexpr bool check_net() {
    static_assert(Input.valid(),
                  "tessera: an image has at least 1 channel, row and column; height and width may "
                  "be dynamic");
    constexpr int misfit = first_misfit(detail::describe(Net{}, Input, sizeof(float)));
    if constexpr (misfit >= 0) {
        constexpr Shape input = detail::describe(Net{}, Input, sizeof(float))[misfit].input;
        return check_fit<misfit, LayerAt<misfit, Net>, input>();
    } else {
        constexpr int twin = first_ambiguous_name(detail::describe(Net{}, Input, sizeof(float)));
        if constexpr (twin >= 0) return check_name<twin, LayerAt<twin, Net>>();
    }
    return misfit < 0;
}

}  // namespace tessera
