// SPDX-License-Identifier: MIT
// expect: tessera: the filters are not a multiple of the groups
// expect: check_fit
// expect: Conv<9, 3
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
constexpr int filters = 9;
#else
constexpr int filters = 8;
#endif

int main() {
    Model<Seq<Conv<filters, 3, Groups<2>>>, Shape{4, 32, 32}, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
