// SPDX-License-Identifier: MIT
// Surgery gives the types one expects. Compiling is the test.
#include "tessera/net/surgery.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"

namespace tessera {
namespace {

template <class A, class B>
inline constexpr bool same = std::is_same_v<A, B>;

using Fc = Named<"fc", Linear<5>>;
using Net = Seq<Conv<4, 3>, ReLU, Fc, Named<"act", ReLU>, Linear<2>>;

// Nested lists flatten; one layer is a list of one; an empty list is nothing.
static_assert(
    same<Flat<Seq<Seq<Conv<4, 3>, Seq<>, ReLU>, Seq<Seq<Fc>>>>, Seq<Conv<4, 3>, ReLU, Fc>>);
static_assert(same<Flat<ReLU>, Seq<ReLU>>);
static_assert(same<LayerAt<2, Net>, Fc>);

// Cuts, by name and by position; the two halves make the whole.
static_assert(same<CutAfter<Net, "fc">, Seq<Conv<4, 3>, ReLU, Fc>>);
static_assert(same<CutAfter<Net, 0>, Seq<Conv<4, 3>>>);
static_assert(same<CutAfter<Net, 4>, Net>);
static_assert(same<CutBefore<Net, "act">, Seq<Named<"act", ReLU>, Linear<2>>>);
static_assert(same<CutBefore<Net, 0>, Net>);
static_assert(same<Append<CutAfter<Net, 1>, CutBefore<Net, 2>>, Net>);
static_assert(same<CutAfter<Seq<Seq<ReLU, Fc>, ReLU>, "fc">, Seq<ReLU, Fc>>);

// Additions and exchanges.
static_assert(same<Append<Seq<ReLU>, Fc, Seq<ReLU, ReLU>>, Seq<ReLU, Fc, ReLU, ReLU>>);
static_assert(same<Replace<Net, "fc", Linear<7>>,
                   Seq<Conv<4, 3>, ReLU, Linear<7>, Named<"act", ReLU>, Linear<2>>>);
static_assert(same<Replace<Seq<ReLU, Fc>, 1, Seq<Fc, ReLU>, ReLU>, Seq<ReLU, Fc, ReLU, ReLU>>);
static_assert(same<Replace<Seq<ReLU, Fc>, 1>, Seq<ReLU>>);

// Marks go around the layer and keep its name.
static_assert(same<Freeze<Seq<ReLU, Fc>>, Seq<Frozen<ReLU>, Frozen<Fc>>>);
static_assert(
    same<FreezeUntil<Seq<Conv<4, 3>, Fc, ReLU>, "fc">, Seq<Frozen<Conv<4, 3>>, Frozen<Fc>, ReLU>>);
static_assert(same<Tap<Seq<ReLU, Fc>, "fc">, Seq<ReLU, Tapped<Fc>>>);
static_assert(same<CutAfter<Freeze<Net>, "fc">, Freeze<CutAfter<Net, "fc">>>);
static_assert(same<Bare<Tapped<Frozen<Named<"x", Frozen<Linear<5>>>>>>, Linear<5>>);
static_assert(Tapped<Frozen<Fc>>::name == "fc" && Tapped<Frozen<Fc>>::frozen &&
              Tapped<Frozen<Fc>>::tapped);
static_assert(Named<"new", Fc>::name == "new");

// Linears become the convolutions that cover their input, through all marks.
static_assert(same<Convolutionalise<Seq<Conv<4, 3>, Frozen<Fc>, Tapped<Linear<2>>>, Shape{3, 8, 7}>,
                   Seq<Conv<4, 3>, Frozen<Named<"fc", Conv<5, 6, KernelWidth<5>>>>,
                       Tapped<Conv<2, 1, KernelWidth<1>>>>>);
static_assert(output_shape<Convolutionalise<Net, Shape{3, 8, 7}>>({3, 8, 7}) == Shape{2, 1, 1});
static_assert(output_shape<Convolutionalise<Net, Shape{3, 8, 7}>>({3, 10, 17}) == Shape{2, 3, 11});
static_assert(parameter_count<Convolutionalise<Net, Shape{3, 8, 7}>>({3, 8, 7}) ==
              parameter_count<Net>({3, 8, 7}));

}  // namespace
}  // namespace tessera
