// SPDX-License-Identifier: MIT
// expect: tessera: the network has no layer with this name or position
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"
#include "tessera/net/surgery.hpp"

using namespace tessera;

using Source = Seq<Conv<8, 3>, ReLU, Named<"fc6", Linear<16>>, Named<"relu6", ReLU>, Linear<10>>;

#ifdef MISTAKE
using Net = Append<Freeze<CutAfter<Source, "relu7">>, Linear<4>>;
#else
using Net = Append<Freeze<CutAfter<Source, "relu6">>, Linear<4>>;
#endif

int main() {
    Model<Net, Shape{3, 32, 32}, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
