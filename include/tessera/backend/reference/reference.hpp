// SPDX-License-Identifier: MIT
// Reference: the formulas as plain loops, for any scalar type. The oracle of the other backends.
#pragma once

#include "tessera/backend/concept.hpp"
#include "tessera/backend/reference/average_pool.hpp"
#include "tessera/backend/reference/conv.hpp"
#include "tessera/backend/reference/dropout.hpp"
#include "tessera/backend/reference/linear.hpp"
#include "tessera/backend/reference/loss.hpp"
#include "tessera/backend/reference/lrn.hpp"
#include "tessera/backend/reference/max_pool.hpp"
#include "tessera/backend/reference/relu.hpp"
#include "tessera/backend/reference/softmax.hpp"
#include "tessera/backend/reference/update.hpp"
#include "tessera/core/buffer.hpp"

namespace tessera {

struct Reference {
    using Memory = HostMemory;
    static int threads() { return 1; }

    using Conv = reference::Conv;
    using Linear = reference::Linear;
    using Relu = reference::Relu;
    using Lrn = reference::Lrn;
    using MaxPool = reference::MaxPool;
    using AveragePool = reference::AveragePool;
    using Dropout = reference::Dropout;
    using Softmax = reference::Softmax;
    using Loss = reference::Loss;
    using Update = reference::Update;
};

static_assert(Backend<Reference, float> && Backend<Reference, double>);

}  // namespace tessera
