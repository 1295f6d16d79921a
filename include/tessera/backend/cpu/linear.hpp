// SPDX-License-Identifier: MIT
// The fully connected op as products by a kernel of gemm.hpp.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/gemm.hpp"

namespace tessera::cpu {

/// LinearOp of backend/concept.hpp.
template <class Kernel>
struct Linear {
    template <class T>
    static std::size_t scratch_bytes(const LinearGeometry& g, int threads) {
        const auto bytes = [](Index rows, Index columns, Index depth) {
            return Kernel::template packing_bytes<T>(rows, columns, depth);
        };
        return static_cast<std::size_t>(threads) *
               std::max({bytes(g.batch, g.outputs, g.inputs), bytes(g.batch, g.inputs, g.outputs),
                         bytes(g.inputs, g.outputs, g.batch)});
    }

    template <class T>
    static void forward(const LinearGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch) {
        multiply<Kernel, T>({.rows = g.batch,
                             .columns = g.outputs,
                             .depth = g.inputs,
                             .a = {x, g.inputs},
                             .b = {weights, g.outputs},
                             .c = y,
                             .stride = g.outputs,
                             .bias = bias},
                            scratch.threads, packing<T>(g, scratch));
    }

    template <class T>
    static void backward_data(const LinearGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        if (!dx) return;
        multiply<Kernel, T>({.rows = g.batch,
                             .columns = g.inputs,
                             .depth = g.outputs,
                             .a = {dy, g.outputs},
                             .b = {weights, g.outputs, true},
                             .c = dx,
                             .stride = g.inputs},
                            scratch.threads, packing<T>(g, scratch));
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
                            scratch.threads, packing<T>(g, scratch));
        if (dbias) add_column_sums<T>(g.batch, g.outputs, dy, g.outputs, dbias);
    }

private:
    template <class T>
    static std::byte* packing(const LinearGeometry& g, const Scratch& scratch) {
        return Carve(scratch).take<std::byte>(
            static_cast<Index>(scratch_bytes<T>(g, scratch.threads)));
    }
};

}  // namespace tessera::cpu
