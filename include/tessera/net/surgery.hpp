// SPDX-License-Identifier: MIT
// Surgery: type functions that cut, join, replace and freeze layers. A position counts the layers
// of the flattened network from 0; a name is the one given by Named.
//
//   using VocNet = Append<Freeze<CutAfter<AlexNet, "relu7">>, Linear<2048>, ReLU, Linear<21>>;
#pragma once

#include <algorithm>
#include <string_view>

#include "tessera/layer/conv.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/net/description.hpp"

namespace tessera {

/// A layer by name or by position, as a template argument.
struct Place {
    char name[48]{};
    int position = -1;

    consteval Place(int index) : position(index) {}
    template <std::size_t Length>
    consteval Place(const char (&text)[Length]) {
        static_assert(Length <= sizeof name, "tessera: a layer's name has at most 47 letters");
        std::copy_n(text, Length, name);
    }
    /// Both members: how nvcc writes the argument down for the host compiler.
    consteval Place(const char (&text)[48], int index) : position(index) {
        std::copy_n(text, sizeof name, name);
    }
};

namespace detail {

template <class... Layers>
constexpr int find_place(Seq<Layers...>, const Place& place) {
    constexpr int depth = sizeof...(Layers);
    if (place.position >= 0) return place.position < depth ? place.position : -1;
    const std::string_view names[] = {Layers::name..., ""};
    for (int i = 0; i < depth; ++i) {
        if (place.name[0] != '\0' && names[i] == place.name) return i;
    }
    return -1;
}

/// The position of a place, checked.
template <class Net, Place Where>
constexpr int locate() {
    constexpr int found = find_place(Net{}, Where);
    static_assert(found >= 0, "tessera: the network has no layer with this name or position");
    return found < 0 ? 0 : found;
}

template <class Net, int Begin, class Positions>
struct Slice;
template <class Net, int Begin, int... Positions>
struct Slice<Net, Begin, std::integer_sequence<int, Positions...>> {
    using type = Seq<LayerAt<Begin + Positions, Net>...>;
};

template <class Net, template <class> class Wrap, class Positions>
struct WrapFront;
template <class Net, template <class> class Wrap, int... Wrapped>
struct WrapFront<Net, Wrap, std::integer_sequence<int, Wrapped...>> {
    using type = Seq<Wrap<LayerAt<Wrapped, Net>>...>;
};

}  // namespace detail

/// Layers Begin up to End (not included).
template <class Net, int Begin, int End>
using Slice =
    typename detail::Slice<Flat<Net>, Begin, std::make_integer_sequence<int, End - Begin>>::type;

/// Everything up to and with the layer.
template <class Net, Place Where>
using CutAfter = Slice<Net, 0, detail::locate<Flat<Net>, Where>() + 1>;

/// The layer and everything after it.
template <class Net, Place Where>
using CutBefore = Slice<Net, detail::locate<Flat<Net>, Where>(), Flat<Net>::depth>;

/// Layers, or whole networks, added at the end.
template <class Net, class... Layers>
using Append = Flat<Seq<Net, Layers...>>;

/// One layer exchanged for one or more others.
template <class Net, Place Where, class... Layers>
using Replace = Flat<Seq<Slice<Net, 0, detail::locate<Flat<Net>, Where>()>, Layers...,
                         Slice<Net, detail::locate<Flat<Net>, Where>() + 1, Flat<Net>::depth>>>;

/// Every layer frozen.
template <class Net>
using Freeze = typename detail::WrapFront<Flat<Net>, Frozen,
                                          std::make_integer_sequence<int, Flat<Net>::depth>>::type;

/// The layer and everything before it frozen.
template <class Net, Place Where>
using FreezeUntil = Flat<Seq<Freeze<CutAfter<Net, Where>>,
                             Slice<Net, detail::locate<Flat<Net>, Where>() + 1, Flat<Net>::depth>>>;

/// The layer's output stays readable after a pass: Workspace::activation(position).
template <class Net, Place Where>
using Tap = Replace<Net, Where, Tapped<LayerAt<detail::locate<Flat<Net>, Where>(), Flat<Net>>>>;

namespace detail {

/// A Linear becomes the convolution that covers its input; all else stays.
template <class L, Shape Input>
struct Convolutional {
    using type = L;
};
template <int Outputs, Shape Input>
struct Convolutional<Linear<Outputs>, Input> {
    using type = Conv<Outputs, Input.height, KernelWidth<Input.width>>;
};
template <FixedText Text, class L, Shape Input>
struct Convolutional<Named<Text, L>, Input> {
    using type = Named<Text, typename Convolutional<L, Input>::type>;
};
template <class L, Shape Input>
struct Convolutional<Frozen<L>, Input> {
    using type = Frozen<typename Convolutional<L, Input>::type>;
};
template <class L, Shape Input>
struct Convolutional<Tapped<L>, Input> {
    using type = Tapped<typename Convolutional<L, Input>::type>;
};

template <class Net, Shape Input>
struct ConvolutionalNet;
template <class... Layers, Shape Input>
struct ConvolutionalNet<Seq<Layers...>, Input> {
    static constexpr auto layers = describe(Seq<Layers...>{}, Input, sizeof(float));
    static_assert(first_misfit(layers) < 0,
                  "tessera: Convolutionalise takes the shape a network was made for; this one does "
                  "not fit");
    template <int... Positions>
    static auto convert(std::integer_sequence<int, Positions...>)
        -> Seq<typename Convolutional<Layers, layers[Positions].input>::type...>;
    using type = decltype(convert(std::make_integer_sequence<int, sizeof...(Layers)>{}));
};

}  // namespace detail

/// The fully convolutional form of a network made for `Input`: each Linear becomes the convolution
/// over the window it saw, with the same bytes as parameters. On a larger image it gives a map of
/// scores. With padded convolutions these differ from the scores of patches, which see zeros at
/// their border where the map sees neighbouring pixels.
template <class Net, Shape Input>
using Convolutionalise = typename detail::ConvolutionalNet<Flat<Net>, Input>::type;

}  // namespace tessera
