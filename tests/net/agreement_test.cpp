// SPDX-License-Identifier: MIT
#include "layer/agreement.hpp"

#include <doctest/doctest.h>

#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/layer/softmax.hpp"

using namespace tessera;

TEST_CASE("whole networks on Cpu do what they do on Reference") {
    using Net =
        Seq<Conv<16, 5, Stride<2>, Pad<0, 2>>, ReLU, Lrn<Alpha<1>>, MaxPool<3, Stride<2>, Ceil>,
            Conv<12, 3, Pad<1>, Groups<2>>, ReLU, AvgPool<2, Stride<1>>, Dropout<20>, Linear<32>,
            ReLU, Dropout<>, Frozen<Linear<16>>, ReLU, Linear<10>, Softmax>;
    for (const int batch : {1, 4, 33}) {
        CAPTURE(batch);
        CHECK(test::disagreement<Net, Shape{3, 21, 18}>(batch) < 1e-5);
    }
    using Dense = Seq<Conv<8, 3, Pad<1>>, ReLU, Lrn<>, Conv<5, 1>, GlobalMaxPool>;
    CHECK(test::disagreement_over_shapes<Dense, 2>(3, 19) < 1e-5);
}
