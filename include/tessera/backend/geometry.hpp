// SPDX-License-Identifier: MIT
// What the ops of every backend are told: plain run-time integers, so that a kernel is compiled
// once per op and not once per layer. Memory order is batch, height, width, channels throughout.
#pragma once

#include <array>
#include <cstddef>

#include "tessera/core/bfloat16.hpp"
#include "tessera/core/shape.hpp"

namespace tessera {

/// A window of height x width that moves over an image in steps of `stride`. Negative padding never
/// occurs. Windows may reach beyond bottom and right (rounding up): what lies outside counts as
/// zero for a convolution, is left out by a maximum, and is left out of an average's count.
struct SlidingWindow {
    int height = 1;
    int width = 1;
    int stride = 1;
    int pad_top = 0;
    int pad_left = 0;
};

/// Convolution by groups. With C = input.channels, F = output.channels, G = groups, the weights are
/// stored as (G, window.height, window.width, C / G, F / G), the bias as (F).
///   y[n, oy, ox, f] = b[f] + sum over (ky, kx, c) of
///                     x[n, oy * stride + ky - pad_top, ox * stride + kx - pad_left, c] * w[...]
struct ConvGeometry {
    int batch = 0;
    Shape input{};
    Shape output{};
    SlidingWindow window{};
    int groups = 1;

    /// Rows and columns of the weight matrix of one group.
    constexpr Index depth() const {
        return Index{window.height} * window.width * (input.channels / groups);
    }
    constexpr Index filters() const { return output.channels / groups; }
};

/// Pooling, channel by channel.
struct PoolGeometry {
    int batch = 0;
    Shape input{};
    Shape output{};
    SlidingWindow window{};
};

/// Response normalisation across the `size` channels i - size / 2 .. i + (size - 1) / 2, clipped at
/// both ends:
///   scale[i] = k + alpha * sum over the window of x[j]^2,   y[i] = x[i] * scale[i]^-beta.
/// `alpha` is the factor as applied: a layer whose alpha is divided by n has done so already.
struct LrnGeometry {
    int batch = 0;
    Shape shape{};
    int size = 5;
    double alpha = 1e-4;
    double beta = 0.75;
    double k = 1;
};

/// y = x w + b with x (batch, inputs), w (inputs, outputs), b (outputs), y (batch, outputs).
struct LinearGeometry {
    int batch = 0;
    Index inputs = 0;
    Index outputs = 0;
};

/// Working memory of an op for the length of one call, and the number of threads it was sized for.
struct Scratch {
    std::byte* data = nullptr;
    std::size_t bytes = 0;
    int threads = 1;
};

/// A parameter array in an update, for an optimiser that keeps `States` numbers a weight.
template <class T, std::size_t States>
struct UpdatePiece {
    Index count = 0;
    T* gradient = nullptr;           ///< read, and left zero for the next batch to be added to
    std::array<T*, States> state{};  ///< in the order of the formulas below
    T* weights = nullptr;
    Bf16* working = nullptr;  ///< gets the new weights, rounded, unless it is null
    double rate = 1;          ///< factors on those of the step
    double decay = 1;
};

/// One step of stochastic gradient descent. g is the gradient, v the velocity, w the weights.
///   krizhevsky: v = momentum * v - rate * (g + decay * w);        w += v
///   classic:    v = momentum * v + (g + decay * w);               w -= rate * v      (PyTorch's)
///   nesterov:   as classic, then w -= rate * (g + decay * w + momentum * v) in place of rate * v
enum class Momentum { krizhevsky, classic, nesterov };

struct SgdStep {
    Momentum form = Momentum::krizhevsky;
    double rate = 0.01;
    double momentum = 0.9;
    double decay = 0;
    double gradient_scale = 1;  ///< g is multiplied by it first
};

/// One step of AdamW (Loshchilov and Hutter, ICLR 2019), decay decoupled from the gradient:
///   w -= rate * decay * w;  m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g^2
///   w -= rate * (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + epsilon)
struct AdamWStep {
    double rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double decay = 0.01;
    double gradient_scale = 1;
    long step = 1;  ///< counts from 1
};

}  // namespace tessera
