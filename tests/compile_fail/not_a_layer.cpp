// SPDX-License-Identifier: MIT
// expect: tessera: this is not a layer; derive it from tessera::Layer
// expect: check_fit
// expect: Sharpen
// expect: 8, 30, 30
// lines: 12 50
// errors: 1 3
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

struct Sharpen {};

#ifdef MISTAKE
using Middle = Sharpen;
#else
using Middle = ReLU;
#endif

int main() {
    Model<Seq<Conv<8, 3>, Middle, Conv<8, 3>>, Shape{3, 32, 32}, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
