// SPDX-License-Identifier: MIT
// The losses, each with its gradient. Sums are in double and the same for any number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/core/error.hpp"

namespace tessera::cpu {

/// LossOp of backend/concept.hpp.
struct Loss {
    /// Sum over the rows of weight[label] * (log(sum of exp(x)) - x[label]). Throws Error for a
    /// label that is neither -1 nor a class.
    template <class T>
    static double softmax_cross_entropy(Index rows, Index classes, const T* x,
                                        const std::int32_t* labels,
                                        const std::type_identity_t<T>* class_weights, double scale,
                                        std::type_identity_t<T>* dx) {
        const auto row_loss = [&](Index row) {
            const Index label = labels[row];
            require(label >= -1 && label < classes, "softmax cross-entropy: the label of row ", row,
                    " is ", label, ", expected -1 to ", classes - 1);
            T* gradient = dx ? dx + row * classes : nullptr;
            if (label < 0) {
                if (gradient) std::fill_n(gradient, classes, T{0});
                return 0.0;
            }
            const T* logits = x + row * classes;
            const double weight = class_weights ? static_cast<double>(class_weights[label]) : 1;
            const T top = *std::max_element(logits, logits + classes);
            double sum = 0;
            for (Index c = 0; c < classes; ++c) {
                const T power = std::exp(logits[c] - top);
                if (gradient) gradient[c] = power;
                sum += power;
            }
            if (gradient) {
                const T factor = static_cast<T>(scale * weight / sum);
                for (Index c = 0; c < classes; ++c) gradient[c] *= factor;
                gradient[label] -= static_cast<T>(scale * weight);
            }
            return weight * (std::log(sum) + static_cast<double>(top) - logits[label]);
        };
        return total(rows, rows * classes, row_loss);
    }

    template <class T>
    static double multi_label_logistic(Index rows, Index classes, const T* x,
                                       const std::int8_t* signs, double scale,
                                       std::type_identity_t<T>* dx) {
        return total(rows * classes, rows * classes, [&](Index i) {
            if (signs[i] == 0) {
                if (dx) dx[i] = 0;
                return 0.0;
            }
            const double margin = static_cast<double>(signs[i]) * x[i];
            const double power = std::exp(-std::abs(margin));
            // 1 / (1 + exp(margin)) and log(1 + exp(-margin)), neither of which may overflow.
            const double miss = (margin > 0 ? power : 1) / (1 + power);
            if (dx) dx[i] = static_cast<T>(-scale * signs[i] * miss);
            return std::max(-margin, 0.0) + std::log1p(power);
        });
    }

    template <class T>
    static double squared_error(Index n, const T* x, const T* target, double scale,
                                std::type_identity_t<T>* dx) {
        return total(n, n, [&](Index i) {
            const double difference = static_cast<double>(x[i]) - target[i];
            if (dx) dx[i] = static_cast<T>(scale * difference);
            return difference * difference / 2;
        });
    }

private:
    template <class F>
    static double total(Index count, Index elements, const F& loss) {
        return parallel_sum(count, threads_for(elements * 8, max_threads()),
                            [&](Index begin, Index end) {
                                double sum = 0;
                                for (Index i = begin; i < end; ++i) sum += loss(i);
                                return sum;
                            });
    }
};

}  // namespace tessera::cpu
