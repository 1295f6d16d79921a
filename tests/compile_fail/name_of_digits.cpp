// SPDX-License-Identifier: MIT
// expect: or it is a number
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
using Net = Seq<Named<"1", Linear<8>>, Linear<8>>;
#else
using Net = Seq<Named<"fc1", Linear<8>>, Linear<8>>;
#endif

int main() {
    Model<Net, Shape{3, 4, 4}, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
