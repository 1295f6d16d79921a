// SPDX-License-Identifier: MIT
// Checkpoints: everything a training needs to go on as if it had never stopped, in one safetensors
// file.
#pragma once

#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/io/weights.hpp"
#include "tessera/train/progress.hpp"
#include "tessera/train/trainer.hpp"

namespace tessera {

namespace detail {

/// Hexadecimal floating point: exact, and the same on every machine.
inline std::string exact_text(double value) {
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::hex);
    return {digits, end.ptr};
}

template <class Number>
Number parse_field(const SafetensorsFile& file, std::string_view key, std::string_view words) {
    Number value{};
    std::from_chars_result end{};
    if constexpr (std::is_floating_point_v<Number>) {
        end = std::from_chars(words.data(), words.data() + words.size(), value,
                              std::chars_format::hex);
    } else {
        end = std::from_chars(words.data(), words.data() + words.size(), value);
    }
    require(end.ec == std::errc{} && end.ptr == words.data() + words.size(), file.path(),
            ": checkpoint field '", key, "' is '", words, "', expected a number");
    require(std::is_floating_point_v<Number> || value >= 0, file.path(), ": checkpoint field '",
            key, "' is ", words, ", expected no negative number");
    return value;
}

inline const std::string& field(const SafetensorsFile& file, const std::string& key) {
    const auto found = file.metadata().find(key);
    require(found != file.metadata().end(), file.path(), ": no field '", key,
            "' in the header, expected a checkpoint");
    return found->second;
}

inline std::string join(const std::vector<double>& values) {
    std::string words;
    for (double value : values) words += (words.empty() ? "" : " ") + exact_text(value);
    return words;
}

inline std::vector<double> parse_list(const SafetensorsFile& file, const std::string& key) {
    std::vector<double> values;
    std::string_view rest = field(file, key);
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        values.push_back(parse_field<double>(file, key, rest.substr(0, end)));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return values;
}

}  // namespace detail

/// Writes weights, optimiser state and progress; the file is there whole or not at all, and an
/// older one stays until then. `settings` are the caller's and must be the same at resuming. The
/// weights can be read from it like from any weight file.
template <class ModelType, class Loss, class Optimizer>
void save_checkpoint(const std::string& path, const Trainer<ModelType, Loss, Optimizer>& trainer,
                     const Progress& progress,
                     const std::map<std::string, std::string>& settings = {}) {
    using TrainerType = Trainer<ModelType, Loss, Optimizer>;
    using Number = typename TrainerType::Number;
    std::map<std::string, std::string> metadata;
    for (const auto& [key, value] : settings) metadata["setting." + key] = value;
    metadata["architecture"] = architecture<typename ModelType::Layers>(ModelType::input);
    metadata["optimizer"] = trainer.optimizer.kind();
    metadata["seed"] = text(trainer.seed());
    metadata["step"] = text(progress.step);
    metadata["epoch"] = text(progress.epoch);
    metadata["position"] = text(progress.position);
    metadata["epoch_loss"] = detail::exact_text(progress.epoch_loss);
    metadata["train_loss"] = detail::join(progress.train_loss);
    metadata["validation_loss"] = detail::join(progress.validation_loss);

    std::vector<TensorSource> sources;
    detail::append_parameters(trainer.model(), {}, sources);
    for (std::size_t s = 0; s < TrainerType::states; ++s) {
        const auto& state = trainer.optimizer_state()[s];
        sources.push_back({.name = text("state.", Optimizer::state_names[s]),
                           .dtype = sizeof(Number) == 8 ? Dtype::f64 : Dtype::f32,
                           .shape = {state.size()},
                           .produce = [&state](const ByteSink& sink) {
                               HostArray<const Number, typename TrainerType::Memory> numbers(
                                   state.data(), state.size());
                               sink(bytes_of(numbers.span()));
                           }});
    }
    write_safetensors(path, sources, metadata);
}

/// Restores what save_checkpoint wrote. Throws Error when the file is of another network,
/// optimiser (or form of its momentum), seed or setting; nothing is changed then.
template <class ModelType, class Loss, class Optimizer>
Progress load_checkpoint(const std::string& path, Trainer<ModelType, Loss, Optimizer>& trainer,
                         const std::map<std::string, std::string>& settings = {}) {
    using TrainerType = Trainer<ModelType, Loss, Optimizer>;
    using Number = typename TrainerType::Number;
    const SafetensorsFile file(path);
    auto expect = [&](const std::string& key, const std::string& expected) {
        const std::string& found = detail::field(file, key);
        require(found == expected, path, ": checkpoint has ", key, " = ", found, ", expected ",
                expected);
    };
    expect("optimizer", std::string(trainer.optimizer.kind()));
    expect("architecture", architecture<typename ModelType::Layers>(ModelType::input));
    expect("seed", text(trainer.seed()));
    for (const auto& [key, value] : settings) expect("setting." + key, value);
    for (const auto& [key, value] : file.metadata()) {
        if (!key.starts_with("setting.")) continue;
        require(settings.contains(key.substr(8)), path, ": checkpoint has ", key, " = ", value,
                ", expected no such setting");
    }
    Progress progress;
    progress.step = detail::parse_field<long>(file, "step", detail::field(file, "step"));
    progress.epoch = detail::parse_field<int>(file, "epoch", detail::field(file, "epoch"));
    progress.position =
        detail::parse_field<long>(file, "position", detail::field(file, "position"));
    progress.epoch_loss =
        detail::parse_field<double>(file, "epoch_loss", detail::field(file, "epoch_loss"));
    progress.train_loss = detail::parse_list(file, "train_loss");
    progress.validation_loss = detail::parse_list(file, "validation_loss");
    for (std::size_t s = 0; s < TrainerType::states; ++s) {
        const TensorInfo& state = file.at(text("state.", Optimizer::state_names[s]));
        const Index wanted = trainer.optimizer_state()[s].size();
        require(state.size() == wanted, path, ": optimiser state '", state.name, "' has ",
                state.size(), " elements, expected ", wanted);
        constexpr Dtype dtype = sizeof(Number) == 8 ? Dtype::f64 : Dtype::f32;
        require(state.dtype == dtype, path, ": optimiser state '", state.name, "' is of type ",
                dtype_name(state.dtype), ", expected ", dtype_name(dtype));
    }
    // Other names than this network's: the kinds and shapes of its layers alone do not tell.
    const LoadReport report = inspect_weights(trainer.model(), file);
    require(report.complete(), path, ": the weights are not those of this network\n",
            report.summary());
    load_weights(trainer.model(), file, {.partial = true});
    for (std::size_t s = 0; s < TrainerType::states; ++s) {
        auto& state = trainer.optimizer_state()[s];
        HostArray<Number, typename TrainerType::Memory> numbers(state.data(), state.size());
        file.read(text("state.", Optimizer::state_names[s]), numbers.span());
        numbers.store();
    }
    trainer.resume_at(progress.step);
    return progress;
}

}  // namespace tessera
