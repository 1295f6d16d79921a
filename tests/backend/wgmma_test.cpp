// SPDX-License-Identifier: MIT
// Products of a warpgroup on their own: against plain products, and the mistakes that the processor
// finds in their use.
#include "tessera/backend/cuda/wgmma.cuh"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tensor_oracle.hpp"
#include "tessera/backend/cuda/hopper_tile.cuh"
#include "tessera/core/error.hpp"

using namespace tessera;
using namespace tessera::test;
using cuda::HopperTile;
using cuda::launch;

namespace {

/// What a kernel below leaves out.
enum class Lack { nothing, copy_fence, sum_fence, wait, agreement, patience };

/// c (64 x Columns) = a b, for a of 64 lines and b of `Columns` lines of 64 k each, which lie line
/// by line, or, where not AlongK, k by k.
template <int Columns, bool AlongKA, bool AlongKB, Lack Missing>
struct MultiplyTiles {
    static constexpr int threads = 128;
    using A = HopperTile<64, AlongKA>;
    using B = HopperTile<Columns, AlongKB>;
    struct alignas(128) Shared {
        std::byte a[A::bytes], b[B::bytes];
    };
    const Bf16* a;
    const Bf16* b;
    float* c;

    /// Piece `i` of 16 bytes of a matrix.
    template <class Tile, bool AlongK>
    __device__ static void bring(std::byte* tile, const Bf16* matrix, int lines, int i) {
        const int row = i / 8, piece = i % 8, panel = row / 64, k = row % 64;
        const Bf16* from = matrix + (AlongK ? i * 8 : k * lines + panel * 64 + piece * 8);
        cuda::begin_copy<16>(tile + Tile::place(row, piece), from, true);
    }

    __device__ void operator()() const {
        if constexpr (cuda::detail::compiles_wgmma) multiply();
    }
    __device__ void multiply() const {
        auto& shared = cuda::shared_memory<Shared>();
        const int thread = static_cast<int>(threadIdx.x);
        for (int i = thread; i < 64 * 8; i += 128) bring<A, AlongKA>(shared.a, a, 64, i);
        for (int i = thread; i < Columns * 8; i += 128) {
            bring<B, AlongKB>(shared.b, b, Columns, i);
        }
        cuda::end_copies();
        cuda::wait_for_copies<0>();
        if constexpr (Missing != Lack::copy_fence) cuda::fence_copies();
        __syncthreads();
        float sums[Columns / 2] = {};
        if constexpr (Missing != Lack::sum_fence) cuda::fence_sums();
        std::uint64_t right = B::descriptor(shared.b);
        if (Missing == Lack::agreement && thread == 77) right = cuda::advanced(right, 16);
        TESSERA_UNROLLED
        for (int part = 0; part < 4; ++part) {
            cuda::multiply_matrices<AlongKA, AlongKB>(
                sums, cuda::advanced(A::descriptor(shared.a), A::offset(0, part)),
                cuda::advanced(right, B::offset(0, part)));
        }
        cuda::end_products();
        if (Missing == Lack::patience && thread == 5) {
            cuda::begin_copy<16>(shared.b, b, true);
            cuda::end_copies();
        }
        if (Missing == Lack::patience) __syncthreads();
        if constexpr (Missing != Lack::wait) cuda::wait_for_products<0>();
        cuda::take_sums(sums);
        const int row = thread / 32 * 16 + thread % 32 / 4;
        TESSERA_UNROLLED
        for (int i = 0; i < Columns / 2; ++i) {
            c[(row + i / 2 % 2 * 8) * Columns + i / 4 * 8 + thread % 4 * 2 + i % 2] = sums[i];
        }
    }
};

std::vector<Bf16> whole_numbers(Random& random, int count) {
    std::vector<Bf16> values;
    for (int i = 0; i < count; ++i) {
        values.push_back(Bf16(static_cast<float>(between(random, -9, 9))));
    }
    return values;
}

template <int Columns, bool AlongKA, bool AlongKB, Lack Missing = Lack::nothing>
void check_product() {
    Random random({.seed = 7});
    const auto a = whole_numbers(random, 64 * 64), b = whole_numbers(random, Columns * 64);
    OnDevice<Bf16> left(a, 0), right(b, 0);
    OnDevice<float> sums(std::vector<float>(64 * Columns, NAN), 0);
    launch(
        "tiles", 1, 128,
        MultiplyTiles<Columns, AlongKA, AlongKB, Missing>{left.data(), right.data(), sums.data()});
    const auto at = [](const std::vector<Bf16>& matrix, bool along_k, int lines, int line, int k) {
        return float(matrix[static_cast<std::size_t>(along_k ? line * 64 + k : k * lines + line)]);
    };
    const auto found = sums.values();
    bool all = true;
    for (int i = 0; i < 64; ++i) {
        for (int j = 0; j < Columns; ++j) {
            float sum = 0;
            for (int k = 0; k < 64; ++k) {
                sum += at(a, AlongKA, 64, i, k) * at(b, AlongKB, Columns, j, k);
            }
            all = all && found[static_cast<std::size_t>(i * Columns + j)] == sum;
        }
    }
    CAPTURE(Columns);
    CAPTURE(AlongKA);
    CAPTURE(AlongKB);
    if (Missing == Lack::nothing) {
        CHECK(all);
    } else {
        CHECK_FALSE(all);
    }
}

#ifndef __CUDACC__
/// A descriptor without the code that makes those of the kernels.
std::uint64_t written(unsigned start, unsigned leading, unsigned stride, unsigned mode) {
    return start / 16 | std::uint64_t{leading / 16} << 16 | std::uint64_t{stride / 16} << 32 |
           std::uint64_t{mode} << 62;
}
#endif

}  // namespace

TEST_CASE("a warpgroup multiplies tiles as the plain product does") {
    check_product<64, true, true>();
    check_product<64, false, true>();
    check_product<128, true, false>();
    check_product<128, true, true>();
    check_product<192, true, false>();
    check_product<192, false, false>();
    check_product<192, true, true>();
}

#ifndef __CUDACC__
TEST_CASE("descriptors are read as the examples of the PTX manual") {
    using cuda::detail::SharedMatrix;
    // Exact layouts of Bf16 by strides in numbers, of (mn % 8, mn / 8 % x, the rest) and of
    // (k % 8, k / 8), before the swizzle.
    struct Example {
        unsigned mode, x, leading, stride;
        unsigned by_rest, by_k, by_k8;
    };
    const Example examples[] = {{0, 1, 256, 128, 64, 8, 128},
                                {3, 2, 256, 512, 128, 16, 256},
                                {2, 4, 512, 1024, 256, 32, 512}};
    for (const Example& e : examples) {
        const SharedMatrix matrix(written(4096, e.leading, e.stride, e.mode));
        bool all = true;
        for (unsigned mn = 0; mn < 16 * e.x; ++mn) {
            for (unsigned k = 0; k < 16; ++k) {
                const unsigned number = mn % 8 + mn / 8 % e.x * 8 + mn / 8 / e.x * e.by_rest +
                                        k % 8 * e.by_k + k / 8 * e.by_k8;
                const unsigned piece = number / 8, swizzled = piece ^ (piece / 8 % e.x);
                all = all && matrix.address(false, mn, k) == 4096 + swizzled * 16 + number % 8 * 2;
            }
        }
        CHECK(all);
    }
    // Row 5 of the second eight, piece 6 of 8, number 3: the piece is at 6 xor 5.
    const SharedMatrix rows(written(2048, 16, 1024, 1));
    CHECK(rows.address(true, 13, 51) == 2048 + 1024 + 5 * 128 + (6 ^ 5) * 16 + 6);
    // 16 k further.
    const SharedMatrix further(written(2048 + 32, 16, 1024, 1));
    CHECK(further.address(true, 13, 35) == rows.address(true, 13, 51));
    // k 13, line 64 + 51.
    const SharedMatrix columns(written(2048, 8192, 1024, 1));
    CHECK(columns.address(false, 115, 13) == 2048 + 8192 + 1024 + 5 * 128 + (6 ^ 5) * 16 + 6);
}

TEST_CASE("sums of a warpgroup are there when they are waited for, and not before") {
    check_product<64, true, true, Lack::wait>();
    check_product<64, true, true, Lack::patience>();  // an operand is filled anew too early
}

TEST_CASE("mistakes with products of a warpgroup are errors") {
    CHECK_THROWS_WITH_AS((check_product<64, true, false, Lack::copy_fence>()),
                         "kernel: a product reads what a copy has brought without a fence", Error);
    CHECK_THROWS_WITH_AS((check_product<64, true, false, Lack::sum_fence>()),
                         "kernel: a product begins without a fence for its sums", Error);
    CHECK_THROWS_WITH_AS((check_product<64, true, false, Lack::agreement>()),
                         "kernel: the threads of a warpgroup give different descriptors", Error);
    using Kernel = MultiplyTiles<64, true, true, Lack::nothing>;
    const std::vector<Bf16> numbers(64 * 64);
    std::vector<float> sums(64 * 64);
    CHECK_THROWS_WITH_AS(launch("few", 1, 96, Kernel{numbers.data(), numbers.data(), sums.data()}),
                         "kernel: a warpgroup of fewer than 128 threads cannot multiply", Error);
}
#endif
