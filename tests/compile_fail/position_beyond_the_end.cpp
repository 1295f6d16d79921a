// SPDX-License-Identifier: MIT
// expect: tessera: the network has no layer with this name or position
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"
#include "tessera/net/surgery.hpp"

using namespace tessera;

#ifdef MISTAKE
constexpr int position = 3;
#else
constexpr int position = 2;
#endif

using Net = Replace<Seq<Conv<8, 3>, ReLU, Conv<8, 3>>, position, Conv<16, 3>>;

int main() {
    Model<Net, Shape{3, 32, 32}, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
