// SPDX-License-Identifier: MIT
// The losses, each with its gradient.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "tessera/core/shape.hpp"

namespace tessera::reference {

/// LossOp of backend/concept.hpp.
struct Loss {
    /// losses[row] = weight[label] * (log(sum of exp(x)) - x[label])
    template <class T>
    static void softmax_cross_entropy(Index rows, Index classes, const T* x,
                                      const std::int32_t* labels, const float* class_weights,
                                      double scale, double* losses, std::type_identity_t<T>* dx) {
        for (Index row = 0; row < rows; ++row) {
            const Index label = labels[row];
            const T* logits = x + row * classes;
            const double weight = label < 0 ? 0 : class_weights ? double(class_weights[label]) : 1;
            const double top = *std::max_element(logits, logits + classes);
            double sum = 0;
            for (Index c = 0; c < classes; ++c) sum += std::exp(logits[c] - top);
            losses[row] = label < 0 ? 0 : weight * (std::log(sum) + top - logits[label]);
            for (Index c = 0; dx && c < classes; ++c) {
                const double gradient = std::exp(logits[c] - top) / sum - (c == label ? 1 : 0);
                dx[row * classes + c] =
                    label < 0 ? T{0} : static_cast<T>(scale * weight * gradient);
            }
        }
    }

    template <class T>
    static void multi_label_logistic(Index rows, Index classes, const T* x,
                                     const std::int8_t* signs, double scale, double* losses,
                                     std::type_identity_t<T>* dx) {
        for (Index row = 0; row < rows; ++row) {
            losses[row] = 0;
            for (Index i = row * classes; i < (row + 1) * classes; ++i) {
                const double margin = static_cast<double>(signs[i]) * x[i];
                // log(1 + exp(-margin)) without overflow.
                if (signs[i]) {
                    losses[row] += std::max(-margin, 0.0) + std::log1p(std::exp(-std::abs(margin)));
                }
                if (dx) dx[i] = static_cast<T>(-scale * signs[i] / (1 + std::exp(margin)));
            }
        }
    }

    template <class T>
    static void squared_error(Index rows, Index columns, const T* x, const T* target, double scale,
                              double* losses, std::type_identity_t<T>* dx) {
        for (Index row = 0; row < rows; ++row) {
            losses[row] = 0;
            for (Index i = row * columns; i < (row + 1) * columns; ++i) {
                const double difference = static_cast<double>(x[i]) - target[i];
                losses[row] += difference * difference / 2;
                if (dx) dx[i] = static_cast<T>(scale * difference);
            }
        }
    }
};

}  // namespace tessera::reference
