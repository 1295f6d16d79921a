// SPDX-License-Identifier: MIT
// Cuda: every op on the GPU, in the memory of the GPU.
#pragma once

#include <type_traits>

#include "tessera/backend/concept.hpp"
#include "tessera/backend/cuda/average_pool.cuh"
#include "tessera/backend/cuda/conv.cuh"
#include "tessera/backend/cuda/conv_tensor.cuh"
#include "tessera/backend/cuda/dropout.cuh"
#include "tessera/backend/cuda/graph.cuh"
#include "tessera/backend/cuda/linear.cuh"
#include "tessera/backend/cuda/loss.cuh"
#include "tessera/backend/cuda/lrn.cuh"
#include "tessera/backend/cuda/lrn_max_pool.cuh"
#include "tessera/backend/cuda/max_pool.cuh"
#include "tessera/backend/cuda/narrow.cuh"
#include "tessera/backend/cuda/relu.cuh"
#include "tessera/backend/cuda/softmax.cuh"
#include "tessera/backend/cuda/update.cuh"

namespace tessera {

namespace cuda {

/// ConvOp of backend/concept.hpp, for each element by another op; for double on CUDA cores.
template <class OfFloat, class OfBf16>
struct ConvBy {
    static constexpr bool takes_relu = true;
    static constexpr bool takes_relu_gradient = true;
    template <class T>
    using Way =
        std::conditional_t<std::is_same_v<T, Bf16>, OfBf16,
                           std::conditional_t<std::is_same_v<T, float>, OfFloat, PlainConv>>;

    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int threads) {
        return Way<T>::template scratch_bytes<T>(g, threads);
    }
    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify = false) {
        Way<T>::forward(g, x, weights, bias, y, scratch, rectify);
    }
    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch,
                              const std::type_identity_t<T>* rectified = nullptr) {
        Way<T>::backward_data(g, weights, dy, dx, scratch, rectified);
    }
    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy,
                                    Master<T>* dweights, Master<T>* dbias, const Scratch& scratch) {
        Way<T>::backward_parameters(g, x, dy, dweights, dbias, scratch);
    }
};

}  // namespace cuda

/// In float every multiplication is in float; a network of Bf16 multiplies on tensor cores:
/// Model<Net, Shape, Cuda> and Model<Net, Shape, Cuda, Bf16>.
struct Cuda {
    using Memory = cuda::DeviceMemory;
    using Graph = cuda::Graph;  ///< makes one launch of a pass
    static int threads() { return 1; }

    using Conv = cuda::ConvBy<cuda::PlainConv, cuda::TensorConv>;
    using Linear = cuda::Linear;
    using Relu = cuda::Relu;
    using Lrn = cuda::Lrn;
    using MaxPool = cuda::MaxPool;
    using LrnMaxPool = cuda::LrnMaxPool;
    using AveragePool = cuda::AveragePool;
    using Dropout = cuda::Dropout;
    using Softmax = cuda::Softmax;
    using Loss = cuda::Loss;
    using Update = cuda::Update;
    using Narrow = cuda::Narrow;
};

/// The same, but products of float on tensor cores: their operands are rounded to 10 bits of
/// fraction, sums are in float.
struct CudaTf32 : Cuda {
    using Conv = cuda::ConvBy<cuda::TensorConv, cuda::TensorConv>;
    using Linear = cuda::LinearTf32;
};

static_assert(Backend<Cuda, float> && Backend<Cuda, double> && Backend<CudaTf32, float>);

}  // namespace tessera
