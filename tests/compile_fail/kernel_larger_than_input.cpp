// SPDX-License-Identifier: MIT
// expect: tessera: the window is larger than the padded input
// expect: check_fit
// expect: Conv<256, 5
// expect: 96, 2, 2
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;

#ifdef MISTAKE
constexpr int stride = 8;
#else
constexpr int stride = 1;
#endif

using Net = Seq<Conv<96, 11, Stride<4>>, ReLU, MaxPool<3, Stride<stride>>, Conv<256, 5>, ReLU>;

int main() {
    Model<Net, Shape{3, 67, 67}, Reference> model;
    auto workspace = model.workspace(1);
    model.forward(workspace, {});
}
