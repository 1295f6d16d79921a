// SPDX-License-Identifier: MIT
// What a layer has to do, counted from its geometry: floating-point operations, a multiply-add
// counted as two, and the bytes that must cross the memory of the device when every array is read
// or written once. From both and the ceilings of a device, the time that is expected.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "tessera/net/description.hpp"

namespace bench {

using tessera::Index;
using tessera::LayerInfo;

/// The most a device does: measured by ceilings.cuh, or assumed.
struct Ceilings {
    double copy = 4.3e12;      ///< bytes a second, read and written ones together
    double float32 = 60e12;    ///< operations a second of a product in float
    double tf32 = 0;           ///< the same on tensor cores, operands rounded to TF32
    double bfloat16 = 790e12;  ///< the same, operands in bfloat16
};

struct Work {
    double flops = 0;
    double bytes = 0;

    Work& operator+=(const Work& other) {
        flops += other.flops;
        bytes += other.bytes;
        return *this;
    }
    /// Seconds at the given rates: the slower of the two is the limit.
    double seconds(double flop_rate, double byte_rate) const {
        return std::max(flops / flop_rate, bytes / byte_rate);
    }
};

inline bool is_product(const LayerInfo& layer) {
    return layer.kind == "conv" || layer.kind == "linear";
}

/// Gradients of parameters, and the parameters that learn from them, are floats whatever the
/// elements are.
constexpr double gradient_bytes = sizeof(float);

/// Bytes of the arrays of a layer for a batch of elements of so many bytes; `layer` is a row of
/// describe() for such elements, which says what it saves.
struct LayerBytes {
    double input, output, weights, weight_gradients, saved;

    LayerBytes(const LayerInfo& layer, int batch, double element_bytes)
        : input(element_bytes * static_cast<double>(batch * layer.input.size())),
          output(element_bytes * static_cast<double>(batch * layer.output.size())),
          weights(element_bytes * static_cast<double>(layer.parameters.total())),
          weight_gradients(gradient_bytes * static_cast<double>(layer.parameters.total())),
          saved(static_cast<double>(batch * layer.saved_bytes)) {}
};

/// In training a layer also writes what it saves for the way back. Dropout does nothing else.
inline Work forward_work(const LayerInfo& layer, int batch, bool training, double element_bytes) {
    const LayerBytes bytes(layer, batch, element_bytes);
    if (layer.kind == "dropout" && !training) return {};
    return {layer.flops * batch,
            bytes.input + bytes.weights + bytes.output + (training ? bytes.saved : 0)};
}

/// Gradient of weights and bias, which is added to what is there.
inline Work backward_parameters_work(const LayerInfo& layer, int batch, double element_bytes) {
    if (!is_product(layer)) return {};
    const LayerBytes bytes(layer, batch, element_bytes);
    return {layer.flops * batch, bytes.input + bytes.output + 2 * bytes.weight_gradients};
}

/// Gradient of the input: of the product without the bias, or of everything a layer without
/// parameters has to do.
inline Work backward_data_work(const LayerInfo& layer, int batch, double element_bytes) {
    const LayerBytes bytes(layer, batch, element_bytes);
    if (is_product(layer)) {
        const double bias = static_cast<double>(layer.output.size());
        return {(layer.flops - bias) * batch, bytes.output + bytes.weights + bytes.input};
    }
    double moved = bytes.output + bytes.input + bytes.saved;  // dy, dx, and what was saved
    if (layer.needs_input) moved += bytes.input;
    if (layer.needs_output) moved += bytes.output;
    return {layer.flops * batch, moved};
}

/// One step of gradient descent with momentum: reads gradient, velocity and weight, writes the last
/// two and clears the first, and writes the weight once more as an element where that is not a
/// float.
inline Work update_work(double parameters, double element_bytes) {
    const double copy = element_bytes < gradient_bytes ? element_bytes : 0;
    return {6 * parameters, (6 * gradient_bytes + copy) * parameters};
}

/// Whether layers i and i + 1 are one op of the backend, which writes nothing between them.
template <std::size_t Depth>
bool is_pair(const std::array<LayerInfo, Depth>& layers, std::size_t i) {
    return i + 1 < Depth && layers[i].kind == "lrn" && layers[i + 1].kind == "max_pool" &&
           !layers[i].tapped;
}

/// The layer in whose op layer i is done on the way forward: for the ReLU behind a product the
/// product, for the second of a pair the first, else the layer itself.
template <std::size_t Depth>
std::size_t forward_doer(const std::array<LayerInfo, Depth>& layers, std::size_t i) {
    if (i == 0 || i == Depth || layers[i - 1].tapped) return i;
    const bool rectifies = layers[i].kind == "relu" && is_product(layers[i - 1]);
    return rectifies || is_pair(layers, i - 1) ? i - 1 : i;
}

/// The same on the way back: the gradient of a ReLU is taken by the layer behind it.
template <std::size_t Depth>
std::size_t backward_doer(const std::array<LayerInfo, Depth>& layers, std::size_t i) {
    if (i > 0 && is_pair(layers, i - 1)) return i - 1;
    if (i + 1 >= Depth || layers[i].kind != "relu") return i;
    for (const char* kind : {"conv", "lrn", "max_pool", "average_pool", "dropout"}) {
        if (layers[i + 1].kind == kind) return i + 1;
    }
    return i;
}

/// What a network does at layer i of its forward pass in training, with all that its op does for
/// other layers; nothing where another layer's op does it. A pair keeps a byte for each maximum.
template <std::size_t Depth>
Work forward_work_at(const std::array<LayerInfo, Depth>& layers, std::size_t i, int batch,
                     double element_bytes) {
    if (forward_doer(layers, i) != i) return {};
    Work work = forward_work(layers[i], batch, true, element_bytes);
    if (is_pair(layers, i)) {
        const LayerBytes first(layers[i], batch, element_bytes);
        const LayerBytes second(layers[i + 1], batch, element_bytes);
        work.bytes = first.input + second.output + second.output / element_bytes;
    }
    if (i + 1 < Depth && forward_doer(layers, i + 1) == i) {
        work.flops += layers[i + 1].flops * batch;
    }
    return work;
}

/// The same of its backward pass, without the gradients of parameters.
template <std::size_t Depth>
Work backward_data_work_at(const std::array<LayerInfo, Depth>& layers, std::size_t i, int batch,
                           double element_bytes) {
    if (backward_doer(layers, i) != i) return {};
    Work work = backward_data_work(layers[i], batch, element_bytes);
    const LayerBytes bytes(layers[i], batch, element_bytes);
    if (is_pair(layers, i)) {
        const LayerBytes second(layers[i + 1], batch, element_bytes);
        work.flops += layers[i + 1].flops * batch;
        work.bytes = 2 * bytes.input + second.output + second.output / element_bytes;
    }
    if (i > 0 && backward_doer(layers, i - 1) == i) {
        work.flops += layers[i - 1].flops * batch;
        // Normalisation reads its input for itself.
        if (layers[i].kind != "lrn") work.bytes += bytes.input;
    }
    return work;
}

/// "conv1", or for a layer without a name its kind with the number of the named one before it,
/// "relu1".
template <std::size_t Depth>
std::string layer_label(const std::array<LayerInfo, Depth>& layers, std::size_t i) {
    if (!layers[i].name.empty()) return std::string(layers[i].name);
    for (std::size_t before = i; before-- > 0;) {
        const std::string_view name = layers[before].name;
        if (name.empty()) continue;
        return std::string(layers[i].kind) +
               std::string(name.substr(std::min(name.size(), name.find_first_of("0123456789"))));
    }
    return std::string(layers[i].kind) + std::to_string(i);
}

}  // namespace bench
