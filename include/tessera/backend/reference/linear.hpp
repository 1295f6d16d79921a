// SPDX-License-Identifier: MIT
// The fully connected op as its formula.
#pragma once

#include <type_traits>

#include "tessera/backend/geometry.hpp"

namespace tessera::reference {

/// LinearOp of backend/concept.hpp.
struct Linear {
    template <class T>
    static std::size_t scratch_bytes(const LinearGeometry&, int) {
        return 0;
    }

    template <class T>
    static void forward(const LinearGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch&) {
        for (Index n = 0; n < g.batch; ++n) {
            for (Index j = 0; j < g.outputs; ++j) {
                std::common_type_t<T, double> sum = bias ? bias[j] : 0;
                for (Index i = 0; i < g.inputs; ++i) {
                    sum += double{1} * x[n * g.inputs + i] * weights[i * g.outputs + j];
                }
                y[n * g.outputs + j] = static_cast<T>(sum);
            }
        }
    }

    template <class T>
    static void backward_data(const LinearGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch&) {
        if (!dx) return;
        for (Index n = 0; n < g.batch; ++n) {
            for (Index i = 0; i < g.inputs; ++i) {
                std::common_type_t<T, double> sum = 0;
                for (Index j = 0; j < g.outputs; ++j) {
                    sum += double{1} * dy[n * g.outputs + j] * weights[i * g.outputs + j];
                }
                dx[n * g.inputs + i] = static_cast<T>(sum);
            }
        }
    }

    template <class T>
    static void backward_parameters(const LinearGeometry& g, const T* x, const T* dy, T* dweights,
                                    std::type_identity_t<T>* dbias, const Scratch&) {
        for (Index j = 0; j < g.outputs; ++j) {
            for (Index i = 0; i < g.inputs; ++i) {
                std::common_type_t<T, double> sum = dweights[i * g.outputs + j];
                for (Index n = 0; n < g.batch; ++n) {
                    sum += double{1} * x[n * g.inputs + i] * dy[n * g.outputs + j];
                }
                dweights[i * g.outputs + j] = static_cast<T>(sum);
            }
            if (!dbias) continue;
            std::common_type_t<T, double> sum = dbias[j];
            for (Index n = 0; n < g.batch; ++n) sum += dy[n * g.outputs + j];
            dbias[j] = static_cast<T>(sum);
        }
    }
};

}  // namespace tessera::reference
