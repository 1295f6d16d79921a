// SPDX-License-Identifier: MIT
// Convolution by warpgroups, on GPUs of compute capability 9.0: the products of conv.cuh by
// hopper_product.cuh.
#pragma once

#include "tessera/backend/cuda/conv_tensor.cuh"
#include "tessera/backend/cuda/hopper_product.cuh"

// What a kernel takes (nvcc 13.0, sm_90a; no spills, products not serialised), with a block of 256
// threads on a multiprocessor, and what a step of 64 along k costs it. A turn is a clock: tensor
// cores multiply 2,048 times in one, shared memory moves 128 bytes, four schedulers issue one
// instruction each.
//
//   tile                           256 x 192        256 x 128        256 x 64
//   registers, forward             255              212              128
//     gradient of data             255              242              128
//     of weights                   252              204              124
//   shared memory, KiB             4 x 56           4 x 48           5 x 40
//   turns of tensor cores          1,536            1,024            512
//     of shared memory, written    448              384              320
//       and read by tensor cores   1,024            768              512
//     of the schedulers            544, 756, 606    510, 730, 590    472, 710, 550
//   bytes read of shared memory
//     per operation                0.021            0.023            0.031
//   copies of a thread             14               12               10
//   operations per byte of L2      110              85               51
//
// (Schedulers: forward, gradient of data, of weights. Shared memory is counted as if each product
// read A and B once, which no manual says.) By these counts alone 256 x 192 is at the peak of the
// tensor cores, 256 x 128 at 89 % and 256 x 64 at 62 %. What will limit them is the L2 cache, whose
// bandwidth no manual gives either: at 790 TFLOP/s the tiles ask it for 7.2, 9.3 and 15 TB/s, those
// of TensorConv for 12.
//
// AlexNet (2012) at batch 512, PREDICTED, not measured: per cent of 790 TFLOP/s if the L2 cache
// gives 5, 6 or 7.5 TB/s to 132 multiprocessors, with 2 microseconds to begin and end a block.
//
//       forward      data         weights
//   C2  47, 56, 68   23, 27, 33   48, 57, 71   data: 48 of 64 columns
//   C3  57, 68, 81   45, 53, 66   60, 71, 84
//   C4  57, 67, 80   57, 67, 80   57, 67, 78
//   C5  44, 52, 64   55, 65, 77   45, 53, 64
//   C1  is not done so: TensorConv's narrow way

namespace tessera::cuda {

/// TensorConv with its wide way for Bf16 by wgmma; all else is TensorConv's. Where the GPU or the
/// program has no wgmma the wide way throws Error. The same bits every time.
using HopperConv = TensorConvBy<WarpgroupProducts>;

}  // namespace tessera::cuda
