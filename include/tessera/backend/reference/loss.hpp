// SPDX-License-Identifier: MIT
// The losses, each with its gradient.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "tessera/core/error.hpp"
#include "tessera/core/shape.hpp"

namespace tessera::reference {

/// LossOp of backend/concept.hpp.
struct Loss {
    /// Sum over the rows of weight[label] * (log(sum of exp(x)) - x[label]). Throws Error for a
    /// label that is neither -1 nor a class.
    template <class T>
    static double softmax_cross_entropy(Index rows, Index classes, const T* x,
                                        const std::int32_t* labels,
                                        const std::type_identity_t<T>* class_weights, double scale,
                                        std::type_identity_t<T>* dx) {
        double loss = 0;
        for (Index row = 0; row < rows; ++row) {
            const Index label = labels[row];
            require(label >= -1 && label < classes, "softmax cross-entropy: the label of row ", row,
                    " is ", label, ", expected -1 to ", classes - 1);
            const T* logits = x + row * classes;
            const double weight = label < 0 ? 0 : class_weights ? double(class_weights[label]) : 1;
            const double top = *std::max_element(logits, logits + classes);
            double sum = 0;
            for (Index c = 0; c < classes; ++c) sum += std::exp(logits[c] - top);
            if (label >= 0) loss += weight * (std::log(sum) + top - logits[label]);
            for (Index c = 0; dx && c < classes; ++c) {
                const double gradient = std::exp(logits[c] - top) / sum - (c == label ? 1 : 0);
                dx[row * classes + c] =
                    label < 0 ? T{0} : static_cast<T>(scale * weight * gradient);
            }
        }
        return loss;
    }

    template <class T>
    static double multi_label_logistic(Index rows, Index classes, const T* x,
                                       const std::int8_t* signs, double scale,
                                       std::type_identity_t<T>* dx) {
        double loss = 0;
        for (Index i = 0; i < rows * classes; ++i) {
            const double margin = static_cast<double>(signs[i]) * x[i];
            // log(1 + exp(-margin)) without overflow.
            if (signs[i]) loss += std::max(-margin, 0.0) + std::log1p(std::exp(-std::abs(margin)));
            if (dx) dx[i] = static_cast<T>(-scale * signs[i] / (1 + std::exp(margin)));
        }
        return loss;
    }

    template <class T>
    static double squared_error(Index n, const T* x, const T* target, double scale,
                                std::type_identity_t<T>* dx) {
        double loss = 0;
        for (Index i = 0; i < n; ++i) {
            const double difference = static_cast<double>(x[i]) - target[i];
            loss += difference * difference / 2;
            if (dx) dx[i] = static_cast<T>(scale * difference);
        }
        return loss;
    }
};

}  // namespace tessera::reference
