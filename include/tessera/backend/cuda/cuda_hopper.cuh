// SPDX-License-Identifier: MIT
// CudaHopper: the backend Cuda with the convolutions of Hopper's own instructions.
#pragma once

#include "tessera/backend/cuda/conv_hopper.cuh"
#include "tessera/backend/cuda/cuda.cuh"

namespace tessera {

/// Cuda, but a network of Bf16 convolves by wgmma: Model<Net, Shape, CudaHopper, Bf16>. For GPUs of
/// compute capability 9.0 and programs compiled for sm_90a; elsewhere a convolution throws Error.
struct CudaHopper : Cuda {
    using Conv = cuda::ConvBy<cuda::PlainConv, cuda::HopperConv>;
};

static_assert(Backend<CudaHopper, float> && Backend<CudaHopper, double>);

}  // namespace tessera
