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

/// Whether layer i is a ReLU that the product before it does before its sums leave the registers.
template <std::size_t Depth>
bool done_by_product(const std::array<LayerInfo, Depth>& layers, std::size_t i) {
    return i > 0 && i < Depth && layers[i].kind == "relu" && is_product(layers[i - 1]) &&
           !layers[i - 1].tapped;
}

/// What a network does at layer i of its forward pass in training: a product also does the ReLU
/// behind it, for which nothing is left.
template <std::size_t Depth>
Work forward_work_at(const std::array<LayerInfo, Depth>& layers, std::size_t i, int batch,
                     double element_bytes) {
    if (done_by_product(layers, i)) return {};
    Work work = forward_work(layers[i], batch, true, element_bytes);
    if (done_by_product(layers, i + 1)) work.flops += layers[i + 1].flops * batch;
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
