// SPDX-License-Identifier: MIT
// expect: tessera: nothing to train, every layer is frozen
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/model.hpp"
#include "tessera/net/surgery.hpp"
#include "tessera/train/trainer.hpp"

using namespace tessera;

using Source = Seq<Linear<8>, ReLU>;

#ifdef MISTAKE
using Net = Freeze<Source>;
#else
using Net = Append<Freeze<Source>, Linear<4>>;
#endif

int main() {
    Model<Net, Shape{3, 4, 4}, Reference> model;
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{});
    trainer.step({}, {});
}
