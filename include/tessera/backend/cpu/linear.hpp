// SPDX-License-Identifier: MIT
// The fully connected op as products by a kernel of gemm.hpp. In bfloat16 these leave their sums in
// float, and outputs and gradients of the data are rounded from there.
//
// FC6 of AlexNet is 151 MB of weights. For one image memory is the limit: 3.2 to 3.6 ms on two
// cores of Zen 5 forward, 2.5 to 3.1 for the gradient of the data, 5.1 to 5.7 for that of the
// weights, which is read and written. For 128, 9.7 GFLOP a pass, arithmetic is, 25 to 35 ms at 280
// to 385 GFLOP/s, with what copies take (bench/run.sh).
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/few_rows.hpp"
#include "tessera/backend/cpu/gemm.hpp"
#include "tessera/backend/cpu/narrow.hpp"
#include "tessera/backend/cpu/transpose.hpp"

namespace tessera::cpu {

/// LinearOp of backend/concept.hpp.
template <class Kernel>
struct Linear {
    static constexpr bool takes_relu = true;

    template <class T>
    static std::size_t scratch_bytes(const LinearGeometry& g, int threads) {
        return packing_bytes<T>(g, threads) + carved_bytes<Master<T>>(sum_count<T>(g));
    }

    template <class T>
    static void forward(const LinearGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify = false) {
        static_assert(Kernel::most_few_rows <= FewRows::most);
        const Memory<T> memory(g, scratch);
        const Product<T> product{.rows = g.batch,
                                 .columns = g.outputs,
                                 .depth = g.inputs,
                                 .a = {x, g.inputs},
                                 .b = {weights, g.outputs},
                                 .c = memory.sums_of(y),
                                 .stride = g.outputs,
                                 .bias = bias,
                                 .rectify = rectify};
        g.batch <= Kernel::most_few_rows
            ? multiply<FewRows>(product, scratch.threads, memory.packing)
            : multiply<Kernel>(product, scratch.threads, memory.packing);
        memory.round(g.batch * g.outputs, y, scratch.threads);
    }

    template <class T>
    static void backward_data(const LinearGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        if (!dx) return;
        const Memory<T> memory(g, scratch);
        if (g.batch <= FewRows::most_transposed) {
            multiply<FewRows, T>({.rows = g.batch,
                                  .columns = g.inputs,
                                  .depth = g.outputs,
                                  .a = {dy, g.outputs},
                                  .b = {weights, g.outputs, true},
                                  .c = memory.sums_of(dx),
                                  .stride = g.inputs},
                                 scratch.threads, memory.packing);
            memory.round(g.batch * g.inputs, dx, scratch.threads);
            return;
        }
        // dx^T = w dy^T, so that dy is packed and not the many weights.
        multiply<Kernel, T>({.rows = g.inputs,
                             .columns = g.batch,
                             .depth = g.outputs,
                             .a = {weights, g.outputs},
                             .b = {dy, g.outputs, true},
                             .c = memory.sums,
                             .stride = g.batch},
                            scratch.threads, memory.packing);
        parallel_for((g.inputs + 63) / 64, threads_for(g.batch * g.inputs, scratch.threads),
                     [&](Index from, Index to, int) {
                         const Index first = from * 64, count = std::min(to * 64, g.inputs) - first;
                         turn(memory.sums + first * g.batch, g.batch, count, dx + first, g.inputs);
                     });
    }

    template <class T>
    static void backward_parameters(const LinearGeometry& g, const T* x, const T* dy,
                                    Master<T>* dweights, std::type_identity_t<Master<T>>* dbias,
                                    const Scratch& scratch) {
        multiply<Kernel, T>({.rows = g.inputs,
                             .columns = g.outputs,
                             .depth = g.batch,
                             .a = {x, g.inputs, true},
                             .b = {dy, g.outputs},
                             .c = dweights,
                             .stride = g.outputs,
                             .accumulate = true},
                            scratch.threads, Memory<T>(g, scratch).packing);
        if (dbias) add_column_sums<T>(g.batch, g.outputs, dy, g.outputs, dbias);
    }

private:
    template <class T>
    static std::size_t packing_bytes(const LinearGeometry& g, int threads) {
        const auto bytes = [](Index rows, Index columns, Index depth) {
            return Kernel::template packing_bytes<T>(rows, columns, depth);
        };
        return static_cast<std::size_t>(threads) *
               std::max({bytes(g.batch, g.outputs, g.inputs), bytes(g.batch, g.inputs, g.outputs),
                         bytes(g.inputs, g.batch, g.outputs), bytes(g.inputs, g.outputs, g.batch),
                         FewRows::packing_bytes<T>(g.batch, std::max(g.inputs, g.outputs), 0)});
    }
    /// Sums that wait to be transposed or rounded.
    template <class T>
    static constexpr Index sum_count(const LinearGeometry& g) {
        const Index transposed = g.batch > FewRows::most_transposed ? g.batch * g.inputs : 0;
        return is_narrow<T> ? g.batch * std::max(g.inputs, g.outputs) : transposed;
    }
    template <class T>
    static constexpr bool is_narrow = std::is_same_v<T, Bf16>;

    /// to[n * stride + i] = from[i * batch + n] for `count` inputs i.
    template <class T>
    static void turn(const Master<T>* from, Index batch, Index count, T* to, Index stride) {
        if constexpr (is_narrow<T>) {
            constexpr Index size = 64;
            float block[size * size];
            for (Index i = 0; i < count; i += size) {
                const Index width = std::min(size, count - i);
                for (Index n = 0; n < batch; n += size) {
                    const Index height = std::min(size, batch - n);
                    transpose(from + i * batch + n, batch, width, height, block, size);
                    for (Index k = 0; k < height; ++k) {
                        narrow_run(width, block + k * size, to + (n + k) * stride + i);
                    }
                }
            }
        } else {
            transpose(from, batch, count, batch, to, stride);
        }
    }

    /// The working memory of a call.
    template <class T>
    struct Memory {
        std::byte* packing;
        Master<T>* sums;

        /// Where the sums go of which `numbers` are made.
        Master<T>* sums_of(T* numbers) const {
            if constexpr (is_narrow<T>)
                return sums;
            else
                return numbers;
        }
        void round(Index count, T* numbers, int threads) const {
            if constexpr (is_narrow<T>) {
                parallel_vectors(count, threads_for(count, threads), [&](Index from, Index to) {
                    narrow_run(to - from, sums + from, numbers + from);
                });
            }
        }

        Memory(const LinearGeometry& g, const Scratch& scratch) {
            Carve carve(scratch);
            packing =
                carve.take<std::byte>(static_cast<Index>(packing_bytes<T>(g, scratch.threads)));
            sums = carve.take<Master<T>>(sum_count<T>(g));
        }
    };
};

}  // namespace tessera::cpu
