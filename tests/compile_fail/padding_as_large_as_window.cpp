// SPDX-License-Identifier: MIT
// expect: tessera: the padding is as large as the window; use less padding
// expect: check_fit
// expect: MaxPool<3
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
constexpr int padding = 3;
#else
constexpr int padding = 1;
#endif

int main() {
    Model<Seq<MaxPool<3, Stride<2>, Pad<padding>>>, Shape{4, 32, 32}, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
