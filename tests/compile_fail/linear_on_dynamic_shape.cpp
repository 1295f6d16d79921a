// SPDX-License-Identifier: MIT
// expect: tessera: Linear needs a known height and width
// expect: check_fit
// expect: Linear<10>
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
constexpr int extent = dynamic;
#else
constexpr int extent = 32;
#endif

using Net = Seq<Conv<8, 3>, ReLU, Linear<10>>;

int main() {
    Model<Net, Shape{3, extent, extent}, Reference> model;
    auto workspace = model.workspace(1, Mode::inference, Shape{3, 32, 32});
    model.forward(workspace, {});
}
