// SPDX-License-Identifier: MIT
// Weights of a model to and from safetensors files with PyTorch's names and order.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/load_report.hpp"
#include "tessera/io/parameter_order.hpp"
#include "tessera/io/safetensors_writer.hpp"
#include "tessera/net/model.hpp"

namespace tessera {

/// From a network's own parameter name to the name in a file; the identity when empty.
using NameMap = std::map<std::string, std::string>;

struct LoadOptions {
    bool partial = false;  ///< missing and unused tensors are no error; mismatched ones still are
    NameMap names{};
};

/// The layers and what comes out of each, as written into files: "conv:96x55x55 relu:96x55x55 ...".
template <class Net>
std::string architecture(Shape input) {
    std::string words;
    for (const LayerInfo& layer : describe<Net>(input)) {
        if (!words.empty()) words += ' ';
        words += text(layer.kind, ":", layer.output);
    }
    return words;
}

namespace detail {
/// The words up to the separator, which goes too.
inline std::string_view take_until(char separator, std::string_view& words) {
    const std::size_t end = std::min(words.find(separator), words.size());
    const std::string_view taken = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    return taken;
}

/// One "kind:CxHxW" against another.
inline bool same_layer(std::string_view a, std::string_view b) {
    auto product = [](std::string_view kind) { return kind == "linear" || kind == "conv"; };
    const std::string_view kind_a = take_until(':', a), kind_b = take_until(':', b);
    if (kind_a != kind_b && !(product(kind_a) && product(kind_b))) return false;
    while (!a.empty() && !b.empty()) {
        const std::string_view extent_a = take_until('x', a), extent_b = take_until('x', b);
        if (extent_a != extent_b && extent_a != "?" && extent_b != "?") return false;
    }
    return a.empty() && b.empty();
}
}  // namespace detail

/// Do weights of one architecture serve the other? Layers agree in kind and output; a dynamic
/// extent, written "?", is any, and a Linear may meet the convolution that stands in its place.
inline bool same_architecture(std::string_view a, std::string_view b) {
    while (!a.empty() && !b.empty()) {
        if (!detail::same_layer(detail::take_until(' ', a), detail::take_until(' ', b))) {
            return false;
        }
    }
    return a.empty() && b.empty();
}

/// The tensors a file of this network holds. Names in the map that no parameter has are passed
/// over: one map may serve a network and its parts.
template <class Net, Shape Input, class Backend, class Scalar>
std::vector<ExpectedTensor> expected_tensors(const Model<Net, Input, Backend, Scalar>& model,
                                             const NameMap& names = {}) {
    std::vector<ExpectedTensor> tensors;
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const std::string name = model.parameter_name(i);
        const auto mapped = names.find(name);
        tensors.push_back({mapped == names.end() ? name : mapped->second,
                           file_shape(model.parameters().entry(i).info)});
    }
    return tensors;
}

namespace detail {
/// The parameters of a model as sources for the writer, converted one at a time.
template <class Net, Shape Input, class Backend, class Scalar>
void append_parameters(const Model<Net, Input, Backend, Scalar>& model, const NameMap& names,
                       std::vector<TensorSource>& sources) {
    const std::vector<ExpectedTensor> tensors = expected_tensors(model, names);
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const ExpectedTensor& tensor = tensors[static_cast<std::size_t>(i)];
        const ParameterInfo info = model.parameters().entry(i).info;
        const auto& parameters = model.parameters();
        sources.push_back({.name = tensor.name,
                           .dtype = sizeof(Master<Scalar>) == 8 ? Dtype::f64 : Dtype::f32,
                           .shape = tensor.shape,
                           .produce = [info, &parameters, i](const ByteSink& sink) {
                               auto memory = parameters.on_host(i);
                               const std::vector<Master<Scalar>> file =
                                   to_file_order(info, memory.span());
                               sink(bytes_of(std::span<const Master<Scalar>>(file)));
                           }});
    }
}
}  // namespace detail

/// Writes every parameter, whole or not at all. `metadata` is kept in the header; "architecture" is
/// added. `extras` are further tensors, of names that begin with "state.", which loading passes
/// over. Throws Error when the file cannot be written.
template <class Net, Shape Input, class Backend, class Scalar>
void save_weights(const Model<Net, Input, Backend, Scalar>& model, const std::string& path,
                  std::map<std::string, std::string> metadata = {}, const NameMap& names = {},
                  const std::vector<TensorSource>& extras = {}) {
    for (const TensorSource& extra : extras) {
        require(extra.name.starts_with("state."), path, ": found further tensor '", extra.name,
                "', expected a name that begins with state.");
    }
    metadata["architecture"] = architecture<Net>(Input);
    std::vector<TensorSource> sources = extras;
    detail::append_parameters(model, names, sources);
    write_safetensors(path, sources, metadata);
}

/// What load_weights would do, without touching the model.
template <class Net, Shape Input, class Backend, class Scalar>
LoadReport inspect_weights(const Model<Net, Input, Backend, Scalar>& model,
                           const SafetensorsFile& file, const NameMap& names = {}) {
    return compare(file, expected_tensors(model, names));
}

/// Fills the model from a file. Refuses, with the report in the Error, a file that lacks a
/// parameter, has others, or was written by another architecture; with `partial` only wrong shapes
/// are refused. The model is untouched when it throws for what the header says.
template <class Net, Shape Input, class Backend, class Scalar>
LoadReport load_weights(Model<Net, Input, Backend, Scalar>& model, const SafetensorsFile& file,
                        const LoadOptions& options = {}) {
    const std::vector<ExpectedTensor> tensors = expected_tensors(model, options.names);
    LoadReport report = compare(file, tensors);
    require(options.partial ? report.mismatched.empty() : report.complete(), file.path(),
            ": the weights are not those of this network\n", report.summary());
    require(!report.loaded.empty() || tensors.empty(), file.path(),
            ": no tensor of this network is in the file\n", report.summary());
    const auto written = file.metadata().find("architecture");
    if (!options.partial && written != file.metadata().end()) {
        const std::string own = architecture<Net>(Input);
        require(same_architecture(written->second, own), file.path(),
                ": found the weights of the network ", written->second, "\nexpected ", own);
    }
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const std::string& name = tensors[static_cast<std::size_t>(i)].name;
        const TensorInfo* tensor = file.find(name);
        if (!tensor) continue;
        require(tensor->dtype == Dtype::f32 || tensor->dtype == Dtype::f64 ||
                    tensor->dtype == Dtype::f16 || tensor->dtype == Dtype::bf16,
                file.path(), ": tensor '", name, "': found type ", dtype_name(tensor->dtype),
                ", expected a floating-point type");
    }
    std::vector<Master<Scalar>> numbers;
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const std::string& name = tensors[static_cast<std::size_t>(i)].name;
        if (!file.find(name)) continue;
        auto memory = model.parameters().on_host(i);
        numbers.resize(memory.span().size());
        file.read(name, std::span(numbers));
        from_file_order(model.parameters().entry(i).info, std::span<const Master<Scalar>>(numbers),
                        memory.span());
        memory.store();
    }
    return report;
}

template <class Net, Shape Input, class Backend, class Scalar>
LoadReport load_weights(Model<Net, Input, Backend, Scalar>& model, const std::string& path,
                        const LoadOptions& options = {}) {
    return load_weights(model, SafetensorsFile(path), options);
}

}  // namespace tessera
