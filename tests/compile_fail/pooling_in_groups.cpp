// SPDX-License-Identifier: MIT
// expect: tessera: options of a pooling are Stride, Pad, KernelWidth, Ceil
// lines: 16 30
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
using Pool = MaxPool<3, Groups<2>>;
#else
using Pool = MaxPool<3, Stride<2>>;
#endif

int main() {
    Model<Pool, Shape{4, 32, 32}, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
