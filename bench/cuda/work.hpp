// SPDX-License-Identifier: MIT
// What a layer has to do, counted from its geometry: floating-point operations, a multiply-add
// counted as two, and the bytes that must cross the memory of the device when every array is read
// or written once. From both and the ceilings of a device, the time that is expected.
#pragma once

#include <algorithm>
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

/// Bytes of the arrays of a layer for a batch.
struct LayerBytes {
    double input, output, weights, saved;

    LayerBytes(const LayerInfo& layer, int batch)
        : input(4.0 * static_cast<double>(batch * layer.input.size())),
          output(4.0 * static_cast<double>(batch * layer.output.size())),
          weights(4.0 * static_cast<double>(layer.parameters.total())),
          saved(static_cast<double>(batch * layer.saved_bytes)) {}
};

/// In training a layer also writes what it saves for the way back. Dropout does nothing else.
inline Work forward_work(const LayerInfo& layer, int batch, bool training) {
    const LayerBytes bytes(layer, batch);
    if (layer.kind == "dropout" && !training) return {};
    return {layer.flops * batch,
            bytes.input + bytes.weights + bytes.output + (training ? bytes.saved : 0)};
}

/// Gradient of weights and bias, which is added to what is there.
inline Work backward_parameters_work(const LayerInfo& layer, int batch) {
    if (!is_product(layer)) return {};
    const LayerBytes bytes(layer, batch);
    return {layer.flops * batch, bytes.input + bytes.output + 2 * bytes.weights};
}

/// Gradient of the input: of the product without the bias, or of everything a layer without
/// parameters has to do.
inline Work backward_data_work(const LayerInfo& layer, int batch) {
    const LayerBytes bytes(layer, batch);
    if (is_product(layer)) {
        const double bias = static_cast<double>(layer.output.size());
        return {(layer.flops - bias) * batch, bytes.output + bytes.weights + bytes.input};
    }
    double moved = bytes.output + bytes.input + bytes.saved;  // dy, dx, and what was saved
    if (layer.needs_input) moved += bytes.input;
    if (layer.needs_output) moved += bytes.output;
    return {layer.flops * batch, moved};
}

/// One step of gradient descent with momentum.
inline Work update_work(double parameters) { return {6 * parameters, 20 * parameters}; }

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
