// SPDX-License-Identifier: MIT
// The backends that a test compares with the reference. The same sources can be compiled by nvcc,
// and then leave out what belongs to the processor.
#pragma once

#include "hosted_cuda.hpp"
#include "tessera/backend/reference/reference.hpp"

#ifdef __CUDACC__
#define TESSERA_TABLES HostedCuda, UnalignedCuda
#else
#include "tessera/backend/cpu/cpu.hpp"
#define TESSERA_TABLES Cpu, HostedCuda, UnalignedCuda
#endif
