// SPDX-License-Identifier: MIT
// expect: View<double
// expect: View<const float
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
using Element = double;
#else
using Element = float;
#endif

int main() {
    const Model<Seq<ReLU>, Shape{3, 2, 2}, Reference> model;
    auto workspace = model.workspace(1);
    Element pixels[12]{};
    model.forward(workspace, View<Element>{pixels, 1, Shape{3, 2, 2}});
}
