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
#define TESSERA_TABLES_AND_BF16 TESSERA_TABLES, HostedBf16, UnalignedBf16

namespace tessera::test {

namespace detail {
template <class Table>
struct NumberOf {
    using type = float;
};
template <int Late, class Number>
struct NumberOf<CudaOfHost<Late, Number>> {
    using type = Number;
};
}  // namespace detail

/// What a test stores its numbers in.
template <class Table>
using Number = typename detail::NumberOf<Table>::type;

}  // namespace tessera::test
