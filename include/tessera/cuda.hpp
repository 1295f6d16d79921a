// SPDX-License-Identifier: MIT
// The CUDA backend. For nvcc; tessera.hpp holds everything else.
#pragma once

#include "tessera/backend/cuda/cuda.cuh"
#include "tessera/backend/cuda/cuda_hopper.cuh"
#include "tessera/data/cuda/packed_batches.cuh"
#include "tessera/image/cuda/crops.cuh"
#include "tessera/patch/cuda/patches.cuh"
