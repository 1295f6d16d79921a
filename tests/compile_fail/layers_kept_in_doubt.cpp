// SPDX-License-Identifier: MIT
// expect: tessera: these layers are the first of the other network as well as its last
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"
#include "tessera/net/surgery.hpp"

using namespace tessera;

#ifdef MISTAKE
using Net = Seq<Linear<8>, ReLU, Linear<8>, ReLU, Linear<8>>;
#else
using Net = Seq<Linear<8>, ReLU, Named<"middle", Linear<8>>, ReLU, Linear<8>>;
#endif

int main() {
    Model<Net, Shape{8}, Reference> model;
    Model<CutBefore<Net, 2>, Shape{8}, Reference> tail(model);
}
