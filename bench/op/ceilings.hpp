// SPDX-License-Identifier: MIT
// What the machine can do at most: multiply-adds out of registers, bytes read from memory, bytes
// read and written there. By all threads, with the instructions that the ops use.
#pragma once

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/core/instructions.hpp"

namespace bench {

using tessera::Index;

namespace detail {

/// `steps` times x * factor + x for `Sums` vectors x, which hide how long each takes to be there.
template <int Bytes, int Sums>
[[gnu::always_inline]] inline void multiply_add(Index steps, float* out) {
    typedef float Lanes __attribute__((vector_size(Bytes)));
    constexpr int lanes = Bytes / sizeof(float);
    Lanes sums[Sums];
    Lanes factor = {}, summand = {};
    factor += *out;
    summand += *out;
    for (Lanes& sum : sums) sum = summand;
    for (Index step = 0; step < steps; ++step) {
#pragma GCC unroll 24
        for (Lanes& sum : sums) sum = sum * factor + summand;
    }
    for (int i = 1; i < Sums; ++i) sums[0] += sums[i];
    for (int i = 0; i < lanes; ++i) out[i] = sums[0][i];
}

// Two multiply-adds a cycle, each ready after four: at least 8 sums, and no more than there are
// registers for.
[[gnu::target("avx512f")]] inline void multiply_add_avx512(Index steps, float* out) {
    multiply_add<64, 24>(steps, out);
}
[[gnu::target("avx2,fma")]] inline void multiply_add_avx2(Index steps, float* out) {
    multiply_add<32, 12>(steps, out);
}
inline void multiply_add_plain(Index steps, float* out) { multiply_add<16, 12>(steps, out); }

}  // namespace detail

/// Multiply-adds on numbers that stay in registers; returns how many floating-point operations.
inline double multiply_add() {
    using tessera::Instructions;
    constexpr Index steps = 100000;
    const int threads = tessera::cpu::max_threads();
    const Instructions instructions = tessera::instructions();
    tessera::cpu::parallel_for(threads, threads, [&](Index, Index, int) {
        float numbers[16] = {0.5f};
        if (instructions >= Instructions::avx512) {
            detail::multiply_add_avx512(steps, numbers);
        } else if (instructions == Instructions::avx2) {
            detail::multiply_add_avx2(steps, numbers);
        } else {
            detail::multiply_add_plain(steps, numbers);
        }
        asm volatile("" : : "m"(numbers) : "memory");
    });
    const int lanes = instructions >= Instructions::avx512 ? 16
                      : instructions == Instructions::avx2 ? 8
                                                           : 4;
    const int sums = instructions >= Instructions::avx512 ? 24 : 12;
    return 2.0 * static_cast<double>(steps) * threads * lanes * sums;
}

/// Adds up all the numbers; `count` is a multiple of 256 times the threads. Each thread reads four
/// stretches side by side, for each of which the processor fetches ahead: 62 GB/s on two cores of
/// an AMD EPYC, where one stretch gives 52 and prefetches by hand no more.
inline void read(const float* numbers, Index count) {
    typedef float Lanes __attribute__((vector_size(64)));
    constexpr Index stretches = 4, lanes = 16;
    const int threads = tessera::cpu::max_threads();
    const Index length = count / threads / stretches;
    tessera::cpu::parallel_for(threads, threads, [&](Index thread, Index, int) {
        const float* first = numbers + thread * stretches * length;
        Lanes sums[stretches][4] = {};
        for (Index at = 0; at < length; at += 4 * lanes) {
            for (Index s = 0; s < stretches; ++s) {
                for (Index v = 0; v < 4; ++v) {
                    sums[s][v] +=
                        *reinterpret_cast<const Lanes*>(first + s * length + at + v * lanes);
                }
            }
        }
        asm volatile("" : : "m"(sums) : "memory");
    });
}

/// Doubles and halves all the numbers in turn, where they lie: each is read and written, and
/// nothing else is read. 60 GB/s on the machine above; a copy has 42, as the processor reads what
/// it is about to overwrite, and 57 with stores that go past the caches.
inline void read_and_write(float* numbers, Index count, float factor) {
    tessera::cpu::parallel_for(count, tessera::cpu::max_threads(),
                               [&](Index begin, Index end, int) {
                                   for (Index i = begin; i < end; ++i) numbers[i] *= factor;
                               });
}

}  // namespace bench
