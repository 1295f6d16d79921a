// SPDX-License-Identifier: MIT
// The backends whose products a test compares with the reference; compiled by nvcc, those of the
// GPU.
#pragma once

#include "hosted_products.hpp"
#include "tessera/backend/reference/reference.hpp"

// On the processor the library's products are our own.
#ifdef __CUDACC__
#define TESSERA_PRODUCT_TABLES HostedCudaProducts, HostedCudaLibrary
#else
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/cpu/eigen.hpp"
#define TESSERA_PRODUCT_TABLES Cpu, CpuEigen, HostedCudaProducts
#endif
