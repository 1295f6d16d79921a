// SPDX-License-Identifier: MIT
// The losses, each with its gradient: a warp a row. A batch of 512 rows of 1000 scores is 4 MB read
// and written, 1 microsecond at 4 TB/s: the launch costs more. From scores in bfloat16 come losses
// computed in float, and gradients in bfloat16.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "tessera/backend/cuda/warp.cuh"
#include "tessera/backend/cuda/wide.cuh"

namespace tessera::cuda {

/// losses[row] = weight[label] * (log(sum of exp(x)) - x[label])
template <class T>
struct SoftmaxCrossEntropyRows {
    using W = Wide<T>;
    Index rows, classes;
    const T* x;
    const std::int32_t* labels;
    const float* class_weights;
    W scale;
    double* losses;
    T* dx;

    __device__ void operator()() const {
        const Index row = global_warp();
        if (row >= rows) return;
        const Index label = labels[row];
        const T* logits = x + row * classes;
        W top = widened(logits[0]);
        for (Index c = lane(); c < classes; c += lanes) {
            const W logit = widened(logits[c]);
            top = logit > top ? logit : top;
        }
        top = warp_max(top);
        W sum = 0;
        for (Index c = lane(); c < classes; c += lanes) sum += std::exp(widened(logits[c]) - top);
        sum = warp_sum(sum);
        const W weight = label < 0 ? W{0} : class_weights ? W(class_weights[label]) : W{1};
        if (lane() == 0) {
            losses[row] = label < 0 ? 0 : weight * (std::log(sum) + (top - widened(logits[label])));
        }
        for (Index c = lane(); dx && c < classes; c += lanes) {
            const W hit = c == label ? W{1} : W{0};
            const W gradient = std::exp(widened(logits[c]) - top) / sum - hit;
            dx[row * classes + c] = rounded<T>(label < 0 ? W{0} : scale * weight * gradient);
        }
    }
};

/// losses[row] = sum over the classes of log(1 + exp(-sign * x)), 0 where the sign is 0
template <class T>
struct MultiLabelLogisticRows {
    using W = Wide<T>;
    Index rows, classes;
    const T* x;
    const std::int8_t* signs;
    W scale;
    double* losses;
    T* dx;

    __device__ void operator()() const {
        const Index row = global_warp();
        if (row >= rows) return;
        W sum = 0;
        for (Index i = row * classes + lane(); i < (row + 1) * classes; i += lanes) {
            const W sign = signs[i];
            const W margin = sign * widened(x[i]);
            const W power = std::exp(-std::abs(margin));
            // 1 / (1 + exp(margin)) and log(1 + exp(-margin)), neither of which may overflow.
            const W miss = (margin > 0 ? power : W{1}) / (1 + power);
            if (sign != 0) sum += (margin < 0 ? -margin : W{0}) + std::log1p(power);
            if (dx) dx[i] = rounded<T>(sign != 0 ? -scale * sign * miss : W{0});
        }
        sum = warp_sum(sum);
        if (lane() == 0) losses[row] = sum;
    }
};

/// losses[row] = sum of (x - target)^2 / 2
template <class T>
struct SquaredErrorRows {
    using W = Wide<T>;
    Index rows, columns;
    const T* x;
    const T* target;
    W scale;
    double* losses;
    T* dx;

    __device__ void operator()() const {
        const Index row = global_warp();
        if (row >= rows) return;
        W sum = 0;
        for (Index i = row * columns + lane(); i < (row + 1) * columns; i += lanes) {
            const W difference = widened(x[i]) - widened(target[i]);
            if (dx) dx[i] = rounded<T>(scale * difference);
            sum += difference * difference / 2;
        }
        sum = warp_sum(sum);
        if (lane() == 0) losses[row] = sum;
    }
};

/// LossOp of backend/concept.hpp.
struct Loss {
    template <class T>
    static void softmax_cross_entropy(Index rows, Index classes, const T* x,
                                      const std::int32_t* labels, const float* class_weights,
                                      double scale, double* losses, std::type_identity_t<T>* dx) {
        launch("softmax cross-entropy", blocks_for(rows * lanes), default_threads,
               SoftmaxCrossEntropyRows<T>{rows, classes, x, labels, class_weights,
                                          static_cast<Wide<T>>(scale), losses, dx});
    }

    template <class T>
    static void multi_label_logistic(Index rows, Index classes, const T* x,
                                     const std::int8_t* signs, double scale, double* losses,
                                     std::type_identity_t<T>* dx) {
        launch("multi-label logistic loss", blocks_for(rows * lanes), default_threads,
               MultiLabelLogisticRows<T>{rows, classes, x, signs, static_cast<Wide<T>>(scale),
                                         losses, dx});
    }

    template <class T>
    static void squared_error(Index rows, Index columns, const T* x, const T* target, double scale,
                              double* losses, std::type_identity_t<T>* dx) {
        launch(
            "squared error", blocks_for(rows * lanes), default_threads,
            SquaredErrorRows<T>{rows, columns, x, target, static_cast<Wide<T>>(scale), losses, dx});
    }
};

}  // namespace tessera::cuda
