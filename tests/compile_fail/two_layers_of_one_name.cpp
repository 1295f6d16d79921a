// SPDX-License-Identifier: MIT
// expect: tessera: two layers have this name
// expect: Named<
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
using Net = Seq<Named<"conv1", Conv<8, 3>>, ReLU, Named<"conv1", Conv<16, 3>>, Linear<10>>;
#else
using Net = Seq<Named<"conv1", Conv<8, 3>>, ReLU, Named<"conv2", Conv<16, 3>>, Linear<10>>;
#endif

int main() {
    Model<Net, Shape{3, 32, 32}, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
