// SPDX-License-Identifier: MIT
// Cpu: products by tiles of vectors, threads by OpenMP, everything else in loops over the channels.
// A network of Bf16 keeps its activations in half the memory, multiplies pairs of numbers and adds
// up in float.
#pragma once

#include "tessera/backend/concept.hpp"
#include "tessera/backend/cpu/average_pool.hpp"
#include "tessera/backend/cpu/conv.hpp"
#include "tessera/backend/cpu/dropout.hpp"
#include "tessera/backend/cpu/linear.hpp"
#include "tessera/backend/cpu/loss.hpp"
#include "tessera/backend/cpu/lrn.hpp"
#include "tessera/backend/cpu/max_pool.hpp"
#include "tessera/backend/cpu/narrow.hpp"
#include "tessera/backend/cpu/relu.hpp"
#include "tessera/backend/cpu/softmax.hpp"
#include "tessera/backend/cpu/tiled_product.hpp"
#include "tessera/backend/cpu/update.hpp"

namespace tessera {

/// Ops with working memory use Scratch::threads threads, the others threads().
struct Cpu {
    using Memory = HostMemory;
    static int threads() { return cpu::max_threads(); }

    using Conv = cpu::Conv;
    using Linear = cpu::Linear<cpu::TiledProduct>;
    using Relu = cpu::Relu;
    using Lrn = cpu::Lrn;
    using MaxPool = cpu::MaxPool;
    using AveragePool = cpu::AveragePool;
    using Dropout = cpu::Dropout;
    using Softmax = cpu::Softmax;
    using Loss = cpu::Loss;
    using Update = cpu::Update;
    using Narrow = cpu::Narrow;
};

/// Cpu without Winograd's convolutions, for sums rounded as they are defined.
struct CpuDirect : Cpu {
    using Conv = cpu::ConvByDefinition;
};

static_assert(Backend<Cpu, float> && Backend<Cpu, double> && Backend<Cpu, Bf16>);
static_assert(Backend<CpuDirect, float> && Backend<CpuDirect, double> && Backend<CpuDirect, Bf16>);

}  // namespace tessera
