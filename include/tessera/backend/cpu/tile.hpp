// SPDX-License-Identifier: MIT
// Tiles: the part of a product that stays in registers while the depth runs.
//
// A tile of AVX-512 is 14 rows of two vectors: 28 sums, the two vectors of b and one broadcast
// element of a fill 31 of 32 registers. Each step of the depth is 28 multiply-adds, 14 cycles at
// two a cycle, on 16 loads, 8 cycles: arithmetic is the limit.
// Elements of a are broadcast from where they lie, so that only b is packed,
// into panels as wide as a tile. AVX2, and the vectors of 16 bytes that every machine has, go with
// 16 registers: 6 rows of two vectors.
//
// What is left over of rows goes to tiles of fewer rows. Below 4 rows a multiply-add waits for the
// one before (4 cycles), so that a tile of one row takes the time of one of 4. Each number of rows
// costs whoever compiles them about 25 ms. Half a tile of AVX-512 (HalfRows) is there for columns
// that are an odd multiple of 16, such as the 48 of a group of AlexNet's C2; narrower tiles are not
// halved.
#pragma once

#include <array>
#include <cstring>
#include <type_traits>

#include "tessera/backend/cpu/pair.hpp"
#include "tessera/backend/cpu/vector.hpp"
#include "tessera/core/shape.hpp"

namespace tessera::cpu {

/// A part of the depth whose steps follow one another: where it begins in a, and in the panel.
struct Run {
    Index a = 0;
    Index panel = 0;
};

inline constexpr Run whole_depth{};

/// c(i, j) = bias(j) + sum over the runs, and the steps k of each, of a(i, k) * panel(k, j), or
/// that sum added to c. In a run, (i, k) of a is a[begin + run.a + i * a_stride + k * a_step], (k,
/// j) of the panel is panel[run.panel + k * panel_step + j].
template <class T>
struct TileTask {
    Index depth = 0;  ///< steps of each run
    const Run* runs = &whole_depth;
    Index run_count = 1;
    const T* a = nullptr;
    Index begin = 0;
    Index a_stride = 0;
    Index a_step = 1;
    const T* panel = nullptr;
    Index panel_step = 0;
    Sum<T>* c = nullptr;
    Index c_stride = 0;
    const Sum<T>* bias = nullptr;  ///< null for none
    bool accumulate = false;
    bool rectify = false;  ///< c = max(c, 0) in the end
};

namespace detail {

/// Sums as they begin. This and what follows is compiled with the instructions of the function it
/// is inlined into.
template <int Bytes, int Rows, int Vectors, class T>
[[gnu::always_inline]] inline void start_sums(
    const TileTask<T>& t, typename Vector<Bytes, Sum<T>>::Lanes (&sums)[Rows][Vectors]) {
    typedef typename Vector<Bytes, Sum<T>>::Lanes Lanes;
    constexpr Index lanes = Bytes / sizeof(Sum<T>);
    // Joined at the end: the first sums need not wait for c to come from memory.
    if (t.accumulate) {
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i) {
            __builtin_prefetch(t.c + i * t.c_stride, 1);
            __builtin_prefetch(t.c + i * t.c_stride + Vectors * lanes - 1, 1);
        }
    }
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) {
        Lanes start{};
        if (t.bias) std::memcpy(&start, t.bias + v * lanes, sizeof start);
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i) sums[i][v] = start;
    }
}

/// Sums on their way to c.
template <int Bytes, int Rows, int Vectors, class T>
[[gnu::always_inline]] inline void finish_sums(
    const TileTask<T>& t, const typename Vector<Bytes, Sum<T>>::Lanes (&sums)[Rows][Vectors]) {
    typedef typename Vector<Bytes, Sum<T>>::Lanes Lanes;
    constexpr Index lanes = Bytes / sizeof(Sum<T>);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) {
            Sum<T>* c = t.c + i * t.c_stride + v * lanes;
            Lanes sum = sums[i][v];
            if (t.accumulate) {
                Lanes before;
                std::memcpy(&before, c, sizeof before);
                sum += before;
            }
            if (t.rectify) sum = sum < Lanes{} ? Lanes{} : sum;
            std::memcpy(c, &sum, sizeof sum);
        }
    }
}

template <int Bytes, int Rows, int Vectors, class T>
[[gnu::always_inline]] inline void compute_tile(const TileTask<T>& t) {
    typedef typename Vector<Bytes, T>::Lanes Lanes;
    constexpr Index lanes = Bytes / sizeof(T);
    Lanes sums[Rows][Vectors];
    start_sums<Bytes, Rows, Vectors>(t, sums);
    for (Index n = 0; n < t.run_count; ++n) {
        const T *a = t.a + (t.begin + t.runs[n].a), *b = t.panel + t.runs[n].panel;
        for (Index k = 0; k < t.depth; ++k) {
            Lanes row[Vectors];
#pragma GCC unroll 2
            for (int v = 0; v < Vectors; ++v) std::memcpy(&row[v], b + v * lanes, sizeof(Lanes));
#pragma GCC unroll 16
            for (int i = 0; i < Rows; ++i) {
                const T factor = a[i * t.a_stride];
#pragma GCC unroll 2
                for (int v = 0; v < Vectors; ++v) sums[i][v] += factor * row[v];
            }
            a += t.a_step;
            b += t.panel_step;
        }
    }
    finish_sums<Bytes, Rows, Vectors>(t, sums);
}

}  // namespace detail

/// The rows of the highest tile there is.
inline constexpr int most_tile_rows = 14;

/// The rows that tiles may have, the most first.
template <int Most, int... Fewer>
struct TileRows {
    static constexpr int most = Most;

    /// What of `rows` rows the next tile takes, so that all together take the fewest cycles.
    static constexpr int next(Index rows) {
        return rows < 3 * Most ? plan[static_cast<std::size_t>(rows)] : Most;
    }

    /// Calls f with one of them as a constant of the type.
    template <class F>
    static void visit(int rows, const F& f) {
        const auto call = [&]<int Rows>() {
            if (rows == Rows) f(std::integral_constant<int, Rows>{});
            return rows == Rows;
        };
        static_cast<void>(call.template operator()<Most>() ||
                          (call.template operator()<Fewer>() || ...));
    }

private:
    static constexpr std::array<int, 3 * Most> plan = [] {
        constexpr int latency = 4, beginning = 1;
        std::array<int, 3 * Most> next{}, cycles{};
        for (int count = 1; count < 3 * Most; ++count) {
            int best = 1 << 20;
            for (const int rows : {Most, Fewer...}) {
                if (rows > count) continue;
                const int sum = cycles[static_cast<std::size_t>(count - rows)] + beginning +
                                (rows > latency ? rows : latency);
                if (sum >= best) continue;
                best = sum;
                next[static_cast<std::size_t>(count)] = rows;
            }
            cycles[static_cast<std::size_t>(count)] = best;
        }
        return next;
    }();
};

/// Vectors of 16 bytes: SSE, NEON, or whatever the compiler makes of them.
template <class T>
struct PlainTile {
    using Rows = TileRows<6, 4, 1>;
    static constexpr Index columns = 32 / sizeof(T);

    template <int Count, int Vectors>
    static void compute(const TileTask<T>& task) {
        detail::compute_tile<16, Count, Vectors>(task);
    }
};

#if defined(__x86_64__)
template <class T>
struct Avx512Tile {
    using Rows = TileRows<14, 13, 8, 7, 4, 2, 1>;
    using HalfRows = TileRows<14, 13, 8, 4, 1>;
    static constexpr Index columns = 128 / sizeof(T);

    template <int Count, int Vectors>
    [[gnu::target("avx512f")]] static void compute(const TileTask<T>& task) {
        detail::compute_tile<64, Count, Vectors>(task);
    }
};

template <class T>
struct Avx2Tile {
    using Rows = TileRows<6, 5, 4, 2, 1>;
    static constexpr Index columns = 64 / sizeof(T);

    template <int Count, int Vectors>
    [[gnu::target("avx2,fma")]] static void compute(const TileTask<T>& task) {
        detail::compute_tile<32, Count, Vectors>(task);
    }
};
#endif

}  // namespace tessera::cpu
