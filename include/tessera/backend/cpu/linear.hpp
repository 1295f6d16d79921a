// SPDX-License-Identifier: MIT
// The fully connected op as products by a kernel of gemm.hpp.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/gemm.hpp"
#include "tessera/backend/cpu/transpose.hpp"

namespace tessera::cpu {

/// LinearOp of backend/concept.hpp.
template <class Kernel>
struct Linear {
    static constexpr bool takes_relu = true;

    template <class T>
    static std::size_t scratch_bytes(const LinearGeometry& g, int threads) {
        return packing_bytes<T>(g, threads) + carved_bytes<T>(transposed_size(g));
    }

    template <class T>
    static void forward(const LinearGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify = false) {
        multiply<Kernel, T>({.rows = g.batch,
                             .columns = g.outputs,
                             .depth = g.inputs,
                             .a = {x, g.inputs},
                             .b = {weights, g.outputs},
                             .c = y,
                             .stride = g.outputs,
                             .bias = bias,
                             .rectify = rectify},
                            scratch.threads, Memory<T>(g, scratch).packing);
    }

    template <class T>
    static void backward_data(const LinearGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        if (!dx) return;
        if (g.batch <= few_rows) {
            multiply<Kernel, T>({.rows = g.batch,
                                 .columns = g.inputs,
                                 .depth = g.outputs,
                                 .a = {dy, g.outputs},
                                 .b = {weights, g.outputs, true},
                                 .c = dx,
                                 .stride = g.inputs},
                                scratch.threads, Memory<T>(g, scratch).packing);
            return;
        }
        // dx^T = w dy^T, so that dy is packed and not the many weights.
        const Memory<T> memory(g, scratch);
        multiply<Kernel, T>({.rows = g.inputs,
                             .columns = g.batch,
                             .depth = g.outputs,
                             .a = {weights, g.outputs},
                             .b = {dy, g.outputs, true},
                             .c = memory.transposed,
                             .stride = g.batch},
                            scratch.threads, memory.packing);
        parallel_for((g.inputs + 63) / 64, threads_for(g.batch * g.inputs, scratch.threads),
                     [&](Index from, Index to, int) {
                         const Index first = from * 64, count = std::min(to * 64, g.inputs) - first;
                         transpose(memory.transposed + first * g.batch, g.batch, count,
                                   Index{g.batch}, dx + first, g.inputs);
                     });
    }

    template <class T>
    static void backward_parameters(const LinearGeometry& g, const T* x, const T* dy, T* dweights,
                                    std::type_identity_t<T>* dbias, const Scratch& scratch) {
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
                         bytes(g.inputs, g.batch, g.outputs), bytes(g.inputs, g.outputs, g.batch)});
    }
    static constexpr Index transposed_size(const LinearGeometry& g) {
        return g.batch > few_rows ? g.batch * g.inputs : 0;
    }

    /// The working memory of a call.
    template <class T>
    struct Memory {
        std::byte* packing;
        T* transposed;

        Memory(const LinearGeometry& g, const Scratch& scratch) {
            Carve carve(scratch);
            packing =
                carve.take<std::byte>(static_cast<Index>(packing_bytes<T>(g, scratch.threads)));
            transposed = carve.take<T>(transposed_size(g));
        }
    };
};

}  // namespace tessera::cpu
