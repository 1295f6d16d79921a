// SPDX-License-Identifier: MIT
// The contract of a backend: a table of op structs, each a set of static functions.
//
// Conventions, the same for every op and never varied:
//   - parameter gradients accumulate (+=) until an update clears them, data gradients assign (=);
//   - a null data gradient, or a null bias, is not wanted and not touched;
//   - Relu and Dropout work in place too (output == input, or output gradient == input gradient);
//     all others require that inputs and outputs do not overlap;
//   - every element of an output is written, whatever it held before (tests fill outputs with NaN);
//   - ops that need working memory say how much in scratch_bytes; T is the element type, gradients
//     of parameters are of Master<T>;
//   - a table for networks of Bf16 also has a Narrow: forward(n, x, y) rounds floats;
//   - a Conv or Linear with a constant `takes_relu` has forward take `bool rectify` as its last
//     argument: y = max(y, 0), NaN stays NaN;
//   - an op with a constant `takes_relu_gradient` computes the input's gradient with one more
//     argument at the end: null, or the outputs of the ReLU whose gradient is taken as well (where
//     there is an x, x itself): dx = rectified > 0 ? dx : 0;
//   - a table may also have an op for two layers behind one another, as in layer/pair.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include "tessera/backend/geometry.hpp"
#include "tessera/core/random.hpp"

namespace tessera {

template <class Op, class T>
concept ConvOp = requires(const ConvGeometry& g, const T* in, T* out, Master<T>* sums,
                          const Scratch& scratch) {
    // forward(g, x, weights, bias, y, scratch); bias may be null
    Op::forward(g, in, in, in, out, scratch);
    // backward_data(g, weights, dy, dx, scratch)
    Op::backward_data(g, in, in, out, scratch);
    // backward_parameters(g, x, dy, dweights, dbias, scratch); dbias may be null
    Op::backward_parameters(g, in, in, sums, sums, scratch);
    { Op::template scratch_bytes<T>(g, 1) } -> std::convertible_to<std::size_t>;  // (g, threads)
};

template <class Op, class T>
concept LinearOp = requires(const LinearGeometry& g, const T* in, T* out, Master<T>* sums,
                            const Scratch& scratch) {
    Op::forward(g, in, in, in, out, scratch);
    Op::backward_data(g, in, in, out, scratch);
    Op::backward_parameters(g, in, in, sums, sums, scratch);
    { Op::template scratch_bytes<T>(g, 1) } -> std::convertible_to<std::size_t>;
};

template <class Op, class T>
concept ReluOp = requires(Index n, const T* in, T* out) {
    Op::forward(n, in, out);       // (elements, x, y); NaN stays NaN
    Op::backward(n, in, in, out);  // (elements, y, dy, dx): dx = y > 0 ? dy : 0
};

template <class Op, class T>
concept LrnOp = requires(const LrnGeometry& g, const T* in, T* out) {
    Op::forward(g, in, out, out);          // (g, x, y, scale); scale may be null at inference
    Op::backward(g, in, in, in, in, out);  // (g, x, y, scale, dy, dx)
};

/// A window wholly outside the image gives 0 and position -1. Ties go to the first position in row
/// order. `argmax` holds, for each output element, the
/// position (row * width + column) of its maximum in the input image; null when not wanted. NaN
/// wins.
template <class Op, class T>
concept MaxPoolOp = requires(const PoolGeometry& g, const T* in, T* out, std::int32_t* argmax,
                             const std::int32_t* chosen) {
    Op::forward(g, in, out, argmax);
    Op::backward(g, chosen, in, out);  // (g, argmax, dy, dx)
};

template <class Op, class T>
concept AveragePoolOp = requires(const PoolGeometry& g, const T* in, T* out) {
    Op::forward(g, in, out);
    Op::backward(g, in, out);  // (g, dy, dx)
};

/// y = x * mask / (1 - rate), where element i is kept when unit_interval of word i of the stream is
/// at least `rate` (word i is random_block(stream, i / 4)[i % 4]). `mask` gets 1 or 0 per element.
template <class Op, class T>
concept DropoutOp = requires(Index n, double rate, const Stream& stream, const T* in, T* out,
                             std::uint8_t* mask, const std::uint8_t* kept) {
    Op::forward(n, rate, stream, in, out, mask);
    Op::backward(n, rate, kept, in, out);  // (elements, rate, mask, dy, dx)
};

/// Over the channels of each position; rows = batch * height * width.
template <class Op, class T>
concept SoftmaxOp = requires(Index rows, Index channels, const T* in, T* out) {
    Op::forward(rows, channels, in, out);
    Op::backward(rows, channels, in, in, out);  // (rows, channels, y, dy, dx)
};

/// Losses write one loss a row and the gradient of their sum (times `scale`) when `dx` is not null.
/// A label is a class, or -1, which leaves a row out; class_weights may be null.
template <class Op, class T>
concept LossOp = requires(Index rows, Index classes, const T* in, T* out,
                          const std::int32_t* labels, const float* weights,
                          const std::int8_t* signs, double scale, double* losses) {
    // (rows, classes, logits, labels, class_weights, scale, losses, dx)
    Op::softmax_cross_entropy(rows, classes, in, labels, weights, scale, losses, out);
    // (rows, classes, logits, signs, scale, losses, dx): log(1 + exp(-sign * x)), 0 for sign 0
    Op::multi_label_logistic(rows, classes, in, signs, scale, losses, out);
    // (rows, columns, x, target, scale, losses, dx): (x - target)^2 / 2
    Op::squared_error(rows, classes, in, in, scale, losses, out);
};

/// One step over all arrays of a network, which lie apart: each array's state and weights are
/// those after the step, its gradient is zero.
template <class Op, class T>
concept UpdateOp = requires(std::span<const UpdatePiece<Master<T>, 1>> with_velocity,
                            std::span<const UpdatePiece<Master<T>, 2>> with_means,
                            const SgdStep& sgd, const AdamWStep& adam) {
    Op::sgd(with_velocity, sgd);
    Op::adamw(with_means, adam);
};

/// A backend has all of them; a missing op is named by the concept that fails.
template <class Table, class T = float>
concept Backend = requires {
    typename Table::Memory;
    { Table::threads() } -> std::convertible_to<int>;
}
&&ConvOp<typename Table::Conv, T>&& LinearOp<typename Table::Linear, T>&&
    ReluOp<typename Table::Relu, T>&& LrnOp<typename Table::Lrn, T>&&
        MaxPoolOp<typename Table::MaxPool, T>&& AveragePoolOp<typename Table::AveragePool, T>&&
            DropoutOp<typename Table::Dropout, T>&& SoftmaxOp<typename Table::Softmax, T>&&
                LossOp<typename Table::Loss, T>&& UpdateOp<typename Table::Update, T>;

}  // namespace tessera
