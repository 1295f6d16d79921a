// SPDX-License-Identifier: MIT
// expect: tessera: the input's channels are not a multiple of the groups
// expect: check_fit
// expect: Groups<2>
// expect: 3, 32, 32
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
constexpr int channels = 3;
#else
constexpr int channels = 4;
#endif

using Net = Seq<Conv<16, 3, Groups<2>>, ReLU>;

int main() {
    Model<Net, Shape{channels, 32, 32}, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
