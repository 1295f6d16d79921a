// SPDX-License-Identifier: MIT
// expect: tessera: an image has at least 1 channel, row and column
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
constexpr Shape image{3, 0, 32};
#else
constexpr Shape image{3, 32, 32};
#endif

int main() {
    Model<ReLU, image, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
