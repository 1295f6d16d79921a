// SPDX-License-Identifier: MIT
// expect: const
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
using Weights = const Model<Seq<Conv<8, 3>>, Shape{3, 8, 8}, Reference>;
#else
using Weights = Model<Seq<Conv<8, 3>>, Shape{3, 8, 8}, Reference>;
#endif

int main() {
    Weights model;
    model.parameters()[0][0] = 1;
}
