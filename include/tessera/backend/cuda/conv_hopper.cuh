// SPDX-License-Identifier: MIT
// Convolution by warpgroups, on GPUs of compute capability 9.0.
#pragma once

#include "tessera/backend/cuda/conv_tensor.cuh"
#include "tessera/backend/cuda/hopper_product.cuh"

namespace tessera::cuda {

/// TensorConv with its wide way for Bf16 by wgmma; all else is TensorConv's. Where the GPU or the
/// program has no wgmma the wide way throws Error. The same bits every time.
using HopperConv = TensorConvBy<WarpgroupProducts>;

}  // namespace tessera::cuda
