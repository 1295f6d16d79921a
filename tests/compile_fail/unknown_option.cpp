// SPDX-License-Identifier: MIT
// expect: tessera: options here are Stride, Pad, Groups, KernelWidth, Ceil, NoBias
// lines: 16 30
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
using Option = ReLU;
#else
using Option = Pad<1>;
#endif

int main() {
    Model<Seq<Conv<8, 3, Option>>, Shape{3, 32, 32}, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
