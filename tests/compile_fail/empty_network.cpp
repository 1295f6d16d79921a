// SPDX-License-Identifier: MIT
// expect: tessera: a network has at least one layer
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
using Net = Seq<>;
#else
using Net = Seq<ReLU>;
#endif

int main() {
    Model<Net, Shape{3, 32, 32}, Reference> model;
}
