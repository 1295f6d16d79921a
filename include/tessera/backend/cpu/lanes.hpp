// SPDX-License-Identifier: MIT
// Vectors of channels, for ops that keep several of them in registers while they walk over
// positions: sums in arrays of a loop that a compiler vectorises go through memory in each step.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tessera/backend/cpu/vector.hpp"
#include "tessera/core/bfloat16.hpp"
#include "tessera/core/shape.hpp"

namespace tessera::cpu {

/// Vectors of `Bytes` bytes for arrays of type T: of numbers as wide as T's sums, and of integers
/// as wide as these, in which positions are compared. Compiled with the instructions of the
/// functions they are inlined into; vectors go by reference, since how they go by value depends on
/// those.
template <int Bytes, class T>
struct Vectors {
    using Number = Master<T>;
    using Integer = std::conditional_t<sizeof(Number) == 4, std::int32_t, std::int64_t>;
    using Lanes = typename detail::Vector<Bytes, Number>::Lanes;
    using Integers = typename detail::Vector<Bytes, Integer>::Lanes;
    static constexpr int lanes = Bytes / sizeof(Number);

    [[gnu::always_inline]] static void load(const T* from, Lanes& to) {
        if constexpr (std::is_same_v<T, Bf16>) {
            Halves halves;
            std::memcpy(&halves, from, sizeof halves);
            const Bits bits = __builtin_convertvector(halves, Bits) << 16;
            std::memcpy(&to, &bits, sizeof to);
        } else {
            std::memcpy(&to, from, sizeof to);
        }
    }

    /// Rounds as Bf16 does.
    [[gnu::always_inline]] static void store(const Lanes& from, T* to) {
        if constexpr (std::is_same_v<T, Bf16>) {
            Bits bits;
            std::memcpy(&bits, &from, sizeof bits);
            const Bits quiet = bits >> 16 | 0x40;
            const Bits rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
            const Bits upper = from == from ? rounded : quiet;
            const Halves halves = __builtin_convertvector(upper, Halves);
            std::memcpy(to, &halves, sizeof halves);
        } else {
            std::memcpy(to, &from, sizeof from);
        }
    }

    [[gnu::always_inline]] static void load(const std::int32_t* from, Integers& to) {
        Words words;
        std::memcpy(&words, from, sizeof words);
        to = __builtin_convertvector(words, Integers);
    }
    [[gnu::always_inline]] static void store(const Integers& from, std::int32_t* to) {
        const Words words = __builtin_convertvector(from, Words);
        std::memcpy(to, &words, sizeof words);
    }

private:
    using Words = typename detail::Vector<lanes * 4, std::int32_t>::Lanes;
    using Bits = typename detail::Vector<lanes * 4, std::uint32_t>::Lanes;
    using Halves = typename detail::Vector<lanes * 2, std::uint16_t>::Lanes;
};

/// `value`, not to be had before what was read in front of it. Compilers else fold a load into the
/// `mask ? x : 0` of AVX-512, which waits for the mask, and so for the memory that it comes from.
template <class Integer>
[[gnu::always_inline]] inline Integer after_loads(Integer value) {
#if defined(__GNUC__)
    asm volatile("" : "+r"(value) : : "memory");
#endif
    return value;
}

/// dx = sums, where the outputs of the ReLU in front are positive if there are any.
template <class V, int Count, class T>
[[gnu::always_inline]] inline void store_gradient(typename V::Lanes (&sums)[Count],
                                                  const T* rectified, T* dx) {
    using Lanes = typename V::Lanes;
#pragma GCC unroll 6
    for (int v = 0; v < Count; ++v) {
        if (rectified) {
            Lanes outputs;
            V::load(rectified + v * V::lanes, outputs);
            sums[v] = outputs > Lanes{} ? sums[v] : Lanes{};
        }
        V::store(sums[v], dx + v * V::lanes);
    }
}

/// Calls f(vectors, n, begin) over 0 .. count - 1, for n vectors from `begin` on at a time, a
/// constant of the type: 6 where there are 32 registers, else 4, or 1, of which the last may
/// overlap the one before. What is shorter than a vector goes number by number.
template <int Bytes, class T, class F>
[[gnu::always_inline]] inline void in_vectors(Index count, const F& f) {
    using Whole = Vectors<Bytes, T>;
    using Single = Vectors<sizeof(Master<T>), T>;
    constexpr Index lanes = Whole::lanes;
    constexpr std::integral_constant<int, Bytes == 64 ? 6 : 4> most;
    constexpr std::integral_constant<int, 1> one;
    Index begin = 0;
    for (; begin + most * lanes <= count; begin += most * lanes) f(Whole(), most, begin);
    if (count < lanes) {
        for (; begin < count; ++begin) f(Single(), one, begin);
    } else {
        for (; begin < count; begin += lanes) f(Whole(), one, std::min(begin, count - lanes));
    }
}

}  // namespace tessera::cpu
