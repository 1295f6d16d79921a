// SPDX-License-Identifier: MIT
// Named, Frozen, Tapped: the same layer with one answer changed.
#pragma once

#include "tessera/core/text.hpp"
#include "tessera/layer/layer.hpp"

namespace tessera {

/// A layer that surgery and weight files call by name: Named<"fc6", Linear<4096>> has the
/// parameters fc6.weight and fc6.bias.
template <FixedText Text, class L>
struct Named : L {
    static constexpr std::string_view name = Text.view();
};

/// A layer whose parameters do not learn: no gradient, no velocity, no decay.
template <class L>
struct Frozen : L {
    static constexpr bool frozen = true;
};

/// A layer whose output stays readable after a pass.
template <class L>
struct Tapped : L {
    static constexpr bool tapped = true;
};

namespace detail {
template <class L>
struct BareLayer {
    using type = L;
};
template <FixedText Text, class L>
struct BareLayer<Named<Text, L>> : BareLayer<L> {};
template <class L>
struct BareLayer<Frozen<L>> : BareLayer<L> {};
template <class L>
struct BareLayer<Tapped<L>> : BareLayer<L> {};
}  // namespace detail

/// The layer without Named, Frozen and Tapped.
template <class L>
using Bare = typename detail::BareLayer<L>::type;

}  // namespace tessera
