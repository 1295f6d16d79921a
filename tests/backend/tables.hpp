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
/// Those that store numbers in bfloat16 as well.
#ifdef __CUDACC__
#define TESSERA_TABLES_AND_BF16 TESSERA_TABLES, HostedBf16, UnalignedBf16
#else
#define TESSERA_TABLES_AND_BF16 TESSERA_TABLES, CpuBf16, HostedBf16, UnalignedBf16
#endif

namespace tessera::test {

#ifndef __CUDACC__
struct CpuBf16 : Cpu {};
#endif

namespace detail {
template <class Table>
struct NumberOf {
    using type = float;
};
template <int Late, class Number>
struct NumberOf<CudaOfHost<Late, Number>> {
    using type = Number;
};
#ifndef __CUDACC__
template <>
struct NumberOf<CpuBf16> {
    using type = Bf16;
};
#endif
}  // namespace detail

/// What a test stores its numbers in.
template <class Table>
using Number = typename detail::NumberOf<Table>::type;

}  // namespace tessera::test
