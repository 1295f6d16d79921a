// SPDX-License-Identifier: MIT
// Cuda: every op on the GPU, in the memory of the GPU.
#pragma once

#include "tessera/backend/concept.hpp"
#include "tessera/backend/cuda/average_pool.cuh"
#include "tessera/backend/cuda/conv.cuh"
#include "tessera/backend/cuda/dropout.cuh"
#include "tessera/backend/cuda/linear.cuh"
#include "tessera/backend/cuda/loss.cuh"
#include "tessera/backend/cuda/lrn.cuh"
#include "tessera/backend/cuda/max_pool.cuh"
#include "tessera/backend/cuda/narrow.cuh"
#include "tessera/backend/cuda/relu.cuh"
#include "tessera/backend/cuda/softmax.cuh"
#include "tessera/backend/cuda/update.cuh"

namespace tessera {

struct Cuda {
    using Memory = cuda::DeviceMemory;
    static int threads() { return 1; }

    using Conv = cuda::Conv;
    using Linear = cuda::Linear;
    using Relu = cuda::Relu;
    using Lrn = cuda::Lrn;
    using MaxPool = cuda::MaxPool;
    using AveragePool = cuda::AveragePool;
    using Dropout = cuda::Dropout;
    using Softmax = cuda::Softmax;
    using Loss = cuda::Loss;
    using Update = cuda::Update;
    using Narrow = cuda::Narrow;
};

static_assert(Backend<Cuda, float> && Backend<Cuda, double>);

}  // namespace tessera
