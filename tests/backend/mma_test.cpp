// SPDX-License-Identifier: MIT
// Tensor cores, fragments and copies on their own: against plain products.
#include "tessera/backend/cuda/mma.cuh"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tensor_oracle.hpp"
#include "tessera/core/error.hpp"

using namespace tessera;
using namespace tessera::test;
using cuda::launch;

namespace {

/// Small whole numbers: exact in every type, and so are their sums.
template <class T>
std::vector<T> whole_numbers(Random& random, int count) {
    std::vector<T> values;
    for (int i = 0; i < count; ++i) values.push_back(T(static_cast<float>(between(random, -9, 9))));
    return values;
}

/// c (16 x 16) += a (16 x K) b, for b (16 x K) transposed, or, where `Transposed`, for both
/// operands from memory in which k comes first. K = 32 bytes.
template <class T, bool Transposed>
struct MultiplyTile {
    static constexpr int depth = 32 / sizeof(T);
    struct alignas(16) Shared {
        T a[16 * depth], b[16 * depth];
    };
    const T* a;
    const T* b;
    float* c;

    __device__ cuda::Fragment fragment(const T* tile, int lane) const {
        if constexpr (Transposed) {
            const int k = lane % 8 + lane / 16 * 8, line = lane / 8 % 2 * 8;
            return cuda::load_matrices_transposed(tile + k * 16 + line);
        } else {
            return cuda::load_matrices(tile + lane % 16 * depth + lane / 16 * (depth / 2));
        }
    }
    __device__ void operator()() const {
        auto& shared = cuda::shared_memory<Shared>();
        const int lane = static_cast<int>(threadIdx.x);
        for (int i = lane; i < 16 * depth; i += 32) {
            shared.a[i] = a[i];
            shared.b[i] = b[i];
        }
        __syncthreads();
        const cuda::Fragment left = fragment(shared.a, lane), right = fragment(shared.b, lane);
        for (int half = 0; half < 2; ++half) {
            float sums[4];
            float* corner = c + lane / 4 * 16 + half * 8 + 2 * (lane % 4);
            for (int i = 0; i < 4; ++i) sums[i] = corner[i / 2 * 128 + i % 2];
            cuda::multiply_add<T>(sums, left, right.words[half], right.words[2 + half]);
            for (int i = 0; i < 4; ++i) corner[i / 2 * 128 + i % 2] = sums[i];
        }
    }
};

template <class T, bool Transposed>
std::vector<float> multiplied(const std::vector<T>& a, const std::vector<T>& b,
                              const std::vector<float>& c) {
    OnDevice<T> left(a, 0), right(b, 0);
    OnDevice<float> sums(c, 0);
    launch("tile", 1, 32, MultiplyTile<T, Transposed>{left.data(), right.data(), sums.data()});
    return sums.values();
}

template <class T, bool Transposed>
void check_tile() {
    constexpr int depth = MultiplyTile<T, Transposed>::depth;
    Random random({.seed = 7});
    const auto a = whole_numbers<T>(random, 16 * depth), b = whole_numbers<T>(random, 16 * depth);
    const auto c = whole_numbers<float>(random, 256);
    auto expected = c;
    const auto at = [&](int line, int k) { return Transposed ? k * 16 + line : line * depth + k; };
    for (int i = 0; i < 16; ++i) {
        for (int j = 0; j < 16; ++j) {
            for (int k = 0; k < depth; ++k) {
                expected[static_cast<std::size_t>(16 * i + j)] +=
                    float(a[static_cast<std::size_t>(at(i, k))]) *
                    float(b[static_cast<std::size_t>(at(j, k))]);
            }
        }
    }
    CHECK(multiplied<T, Transposed>(a, b, c) == expected);
}

/// Brings 32 x Bytes through shared memory, in two groups; `Left` of them are not waited for.
template <int Bytes, int Left>
struct PassThrough {
    struct alignas(16) Shared {
        std::byte bytes[64 * Bytes];
    };
    const std::byte* from;
    std::byte* to;
    int wanted;

    __device__ void operator()() const {
        auto& shared = cuda::shared_memory<Shared>();
        const int lane = static_cast<int>(threadIdx.x);
        for (int group = 0; group < 2; ++group) {
            const int place = group * 32 + lane;
            cuda::begin_copy<Bytes>(shared.bytes + place * Bytes, from + place * Bytes,
                                    place < wanted);
            cuda::end_copies();
        }
        cuda::wait_for_copies<Left>();
        __syncthreads();
        for (int i = lane; i < 64 * Bytes; i += 32) to[i] = shared.bytes[i];
    }
};

template <int Bytes, int Left>
std::vector<std::byte> passed_through(const std::vector<std::byte>& from, int wanted) {
    OnDevice<std::byte> there(from, 0), back(std::vector<std::byte>(from.size()), 0);
    launch("pass", 1, 32, PassThrough<Bytes, Left>{there.data(), back.data(), wanted});
    return back.values();
}

template <int Bytes>
void check_copies() {
    std::vector<std::byte> from(64 * Bytes);
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i % 253);
    CHECK(passed_through<Bytes, 0>(from, 64) == from);
    auto some = from;
    std::fill(some.begin() + 37 * Bytes, some.end(), std::byte{0});
    CHECK(passed_through<Bytes, 0>(from, 37) == some);
#ifndef __CUDACC__
    // What nobody waited for has not come. On a GPU it may have.
    auto early = from;
    std::fill(early.begin() + 32 * Bytes, early.end(), std::byte{0xFF});
    CHECK(passed_through<Bytes, 1>(from, 64) == early);
#endif
}

/// Words rounded to TF32.
struct RoundWords {
    std::uint32_t* words;
    __device__ void operator()() const {
        words[threadIdx.x] = cuda::rounded_to_tf32(words[threadIdx.x]);
    }
};

#ifndef __CUDACC__
struct LoadAt {
    struct alignas(16) Shared {
        std::byte bytes[4096];
    };
    int pitch, shift;
    void operator()() const {
        const int lane = static_cast<int>(threadIdx.x);
        cuda::load_matrices(cuda::shared_memory<Shared>().bytes + lane * pitch + shift);
    }
};
#endif

}  // namespace

TEST_CASE("a bfloat16 is the nearest one, ties to even, and keeps NaN") {
    CHECK(float(Bf16(1.0f)) == 1.0f);
    CHECK(float(Bf16(-0.15625f)) == -0.15625f);
    CHECK(float(Bf16(1.00390625f)) == 1.0f);        // 1 + 2^-8, halfway
    CHECK(float(Bf16(1.01171875f)) == 1.015625f);   // 1 + 3 * 2^-8, halfway
    CHECK(float(Bf16(1.00390637f)) == 1.0078125f);  // a little more
    CHECK(std::isinf(float(Bf16(3.4e38f))));
    CHECK(float(Bf16(1e-40f)) == doctest::Approx(1e-40f).epsilon(0.01));
    for (const std::uint32_t bits : {0x7FC00000u, 0xFFC00000u, 0x7F800001u, 0x7FFFFFFFu}) {
        CHECK(std::isnan(float(Bf16(std::bit_cast<float>(bits)))));
    }
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const float value = std::bit_cast<float>(bits << 16);
        if (!std::isnan(value)) REQUIRE(Bf16(value).bits == bits);
    }
}

TEST_CASE("a float is rounded to ten bits of fraction, ties away from nought") {
    const auto rounded = [](float value) {
        OnDevice<std::uint32_t> word({std::bit_cast<std::uint32_t>(value)}, 0);
        launch("round", 1, 1, RoundWords{word.data()});
        return std::bit_cast<float>(word.values()[0]);
    };
    const float unit = std::ldexp(1.0f, -10);
    CHECK(rounded(1) == 1);
    CHECK(rounded(1 + unit / 2) == 1 + unit);
    CHECK(rounded(-1 - unit / 2) == -1 - unit);
    CHECK(rounded(1 + unit * 0.499f) == 1);
    CHECK(std::isnan(rounded(std::bit_cast<float>(0x7FFFFFFFu))));
    CHECK(std::isinf(rounded(std::numeric_limits<float>::infinity())));
}

TEST_CASE("a warp multiplies fragments as the plain product does") {
    check_tile<Bf16, false>();
    check_tile<Bf16, true>();
    check_tile<float, false>();
}

TEST_CASE("TF32 leaves out the lower bits of its operands") {
    std::vector<float> a(128, 0), b(128, 0);
    const std::vector<float> c(256, 0);
    a[0] = 1 + std::ldexp(1.0f, -10) + std::ldexp(1.0f, -11);
    b[0] = 1;
    CHECK(multiplied<float, false>(a, b, c)[0] == 1 + std::ldexp(1.0f, -10));
}

TEST_CASE("copies on their own arrive when they are waited for, and not before") {
    check_copies<4>();
    check_copies<8>();
    check_copies<16>();
}

#ifndef __CUDACC__
TEST_CASE("loads of fragments count the banks they share and refuse odd addresses") {
    const auto conflicts = [](int pitch) {
        const long before = cuda::bank_conflicts;
        launch("load", 1, 32, LoadAt{pitch, 0});
        return cuda::bank_conflicts - before;
    };
    CHECK(conflicts(16) == 0);
    CHECK(conflicts(80) == 0);
    CHECK(conflicts(32) == 4);   // two rows at a time in the same banks
    CHECK(conflicts(64) == 12);  // four
    CHECK_THROWS_WITH_AS(launch("load", 1, 32, LoadAt{16, 8}),
                         "kernel: an address is no multiple of the bytes that are moved", Error);
    CHECK_THROWS_WITH_AS(launch("load", 1, 24, LoadAt{16, 0}),
                         "kernel: a warp of fewer than 32 lanes cannot use tensor cores", Error);
}
#endif
