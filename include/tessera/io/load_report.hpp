// SPDX-License-Identifier: MIT
// What a weight file and a network have in common, found without loading anything.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tessera/io/safetensors.hpp"

namespace tessera {

/// Names by outcome. A mismatched one also says which shapes met.
struct LoadReport {
    std::vector<std::string> loaded;
    std::vector<std::string> missing;     ///< of the network, not in the file
    std::vector<std::string> unused;      ///< in the file, not of the network
    std::vector<std::string> mismatched;  ///< "fc8.weight: 1000x4096 in the file, 21x4096 here"
    std::string recognised;  ///< the known network whose file this seems to be, or empty

    bool complete() const { return missing.empty() && unused.empty() && mismatched.empty(); }
    /// Several lines for people.
    std::string summary() const {
        auto list = [](const char* title, const std::vector<std::string>& names) {
            std::string line = text(title, ": ", names.size());
            for (std::size_t i = 0; i < names.size() && i < 8; ++i) {
                line += (i == 0 ? " (" : ", ") + names[i];
            }
            if (names.size() > 8) line += ", ...";
            return line + (names.empty() ? "\n" : ")\n");
        };
        std::string lines = text("loaded: ", loaded.size(), "\n") + list("missing", missing) +
                            list("unused", unused) + list("mismatched", mismatched);
        if (!recognised.empty()) lines += "the file looks like " + recognised + "\n";
        return lines;
    }
};

/// A parameter of a network as a file should hold it.
struct ExpectedTensor {
    std::string name;
    std::vector<Index> shape;
};

/// Which of the circulating AlexNets a file is from, by its first and sixth layer; empty for
/// others. The 2012 network and CaffeNet differ in nothing a foreign file shows.
inline std::string recognise(const SafetensorsFile& file) {
    auto has = [&](const char* name, const std::vector<Index>& shape) {
        const TensorInfo* tensor = file.find(name);
        return tensor && tensor->shape == shape;
    };
    if (has("features.0.weight", {64, 3, 11, 11}) && has("classifier.1.weight", {4096, 9216})) {
        return "torchvision's alexnet";
    }
    if (has("conv1.weight", {96, 3, 11, 11}) && has("conv2.weight", {256, 48, 5, 5})) {
        return has("fc6.weight", {6144, 9216}) ? "the 2012 AlexNet with FC6 of 6144"
                                               : "the 2012 AlexNet or CaffeNet";
    }
    return "";
}

/// Compares a file with a list of expected tensors. Tensors whose name begins with "state." belong
/// to a checkpoint's optimiser and are passed over.
inline LoadReport compare(const SafetensorsFile& file,
                          const std::vector<ExpectedTensor>& expected) {
    LoadReport report;
    for (const ExpectedTensor& tensor : expected) {
        const TensorInfo* found = file.find(tensor.name);
        if (!found) {
            report.missing.push_back(tensor.name);
            continue;
        }
        Index size = 1;
        for (Index extent : tensor.shape) size *= extent;
        // A Linear and the convolution in its place hold the same elements in the same file order.
        const std::size_t rank = tensor.shape.size(), found_rank = found->shape.size();
        const bool fits = found->shape == tensor.shape ||
                          (std::min(rank, found_rank) == 2 && std::max(rank, found_rank) == 4 &&
                           found->size() == size && found->shape[0] == tensor.shape[0]);
        if (fits)
            report.loaded.push_back(tensor.name);
        else {
            report.mismatched.push_back(text(tensor.name, ": ", shape_text(found->shape),
                                             " in the file, ", shape_text(tensor.shape), " here"));
        }
    }
    for (const TensorInfo& tensor : file.tensors()) {
        if (tensor.name.starts_with("state.")) continue;
        bool known = false;
        for (const ExpectedTensor& wanted : expected) known = known || wanted.name == tensor.name;
        if (!known) report.unused.push_back(tensor.name);
    }
    report.recognised = recognise(file);
    return report;
}

}  // namespace tessera
