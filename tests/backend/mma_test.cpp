// SPDX-License-Identifier: MIT
// Tensor cores, fragments and copies on their own: against plain products.
#include "tessera/backend/cuda/mma.cuh"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "oracle.hpp"
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
void check_tile() {
    constexpr int depth = MultiplyTile<T, Transposed>::depth;
    Random random({.seed = 7});
    const auto a = whole_numbers<T>(random, 16 * depth), b = whole_numbers<T>(random, 16 * depth);
    auto c = whole_numbers<float>(random, 256), expected = c;
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
    launch("tile", 1, 32, MultiplyTile<T, Transposed>{a.data(), b.data(), c.data()});
    CHECK(c == expected);
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
        std::memcpy(to + lane * 2 * Bytes, shared.bytes + lane * 2 * Bytes, 2 * Bytes);
    }
};

template <int Bytes, int Left>
std::vector<std::byte> passed_through(const std::byte* from, int wanted) {
    std::vector<std::byte> to(64 * Bytes);
    launch("pass", 1, 32, PassThrough<Bytes, Left>{from, to.data(), wanted});
    return to;
}

template <int Bytes>
void check_copies() {
    alignas(16) std::byte from[64 * Bytes];
    for (int i = 0; i < 64 * Bytes; ++i) from[i] = static_cast<std::byte>(i % 253);
    const auto all = passed_through<Bytes, 0>(from, 64);
    CHECK(std::memcmp(all.data(), from, sizeof(from)) == 0);
    const auto some = passed_through<Bytes, 0>(from, 37);
    CHECK(std::memcmp(some.data(), from, 37 * Bytes) == 0);
    CHECK(some[37 * Bytes] == std::byte{0});
    CHECK(some[64 * Bytes - 1] == std::byte{0});
    // What nobody waited for has not come.
    const auto early = passed_through<Bytes, 1>(from, 64);
    CHECK(std::memcmp(early.data(), from, sizeof(from) / 2) == 0);
    CHECK(early[32 * Bytes] == std::byte{0xFF});
    CHECK(early[64 * Bytes - 1] == std::byte{0xFF});
}

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
        return std::bit_cast<float>(cuda::rounded_to_tf32(std::bit_cast<std::uint32_t>(value)));
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
    std::vector<float> a(128, 0), b(128, 0), c(256, 0);
    a[0] = 1 + std::ldexp(1.0f, -10) + std::ldexp(1.0f, -11);
    b[0] = 1;
    launch("tile", 1, 32, MultiplyTile<float, false>{a.data(), b.data(), c.data()});
    CHECK(c[0] == 1 + std::ldexp(1.0f, -10));
}

TEST_CASE("copies on their own arrive when they are waited for, and not before") {
    check_copies<4>();
    check_copies<8>();
    check_copies<16>();
}

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
