// SPDX-License-Identifier: MIT
// Looks into a weights file, and compares it with a network without loading anything.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>

#include "program/target.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/net/summary.hpp"

using namespace tessera;
using namespace program;

namespace {

struct Settings {
    std::string file, network;
    int classes = 0;
    bool summary = false, graph = false;
};

void add_options(CLI::App& app, Settings& s) {
    app.add_option("file", s.file, "a safetensors file; not needed for --summary and --dot");
    app.add_option("--network", s.network,
                   "small, alexnet, alexnet6144, caffenet or torchvision; the file's own if not "
                   "given")
        ->check(CLI::IsMember({"small", "alexnet", "alexnet6144", "caffenet", "torchvision"}));
    app.add_option("--classes", s.classes, "the file's own, or 1000, if not given")
        ->check(CLI::PositiveNumber);
    app.add_flag("--summary", s.summary, "the network's layers as a table");
    app.add_flag("--dot", s.graph, "the network as a graph in Graphviz's language");
}

/// What a file is compared with.
struct Wanted {
    std::string network;
    std::string mode;  ///< empty for a source network, else transfer's
    int classes = 0;

    std::string words() const {
        const std::string target = mode.empty() ? "" : text(", transferred (", mode, ")");
        return text(network, " with ", classes, " classes", target);
    }
};

std::string metadata_of(const SafetensorsFile& file, const char* key) {
    const auto found = file.metadata().find(key);
    return found == file.metadata().end() ? "" : found->second;
}

/// From the options, or else from what the file says or looks like. `network` may stay empty.
Wanted choose(const Settings& s, const SafetensorsFile* file) {
    Wanted wanted{s.network, "", s.classes};
    if (file) {
        const std::string own = metadata_of(*file, "network");
        const std::string look = recognise(*file);
        if (wanted.network.empty()) wanted.network = own;
        if (wanted.network.empty() && look == "torchvision's alexnet") {
            wanted.network = "torchvision";
        }
        if (wanted.network.empty() && !look.empty()) {
            wanted.network = look.ends_with("6144") ? "alexnet6144" : "alexnet";
        }
        if (wanted.network == own) wanted.mode = metadata_of(*file, "mode");
        const std::string names = metadata_of(*file, "classes");
        if (wanted.classes == 0 && !names.empty()) {
            wanted.classes = 1 + static_cast<int>(std::count(names.begin(), names.end(), '\n'));
        }
    }
    if (wanted.classes == 0) wanted.classes = 1000;
    return wanted;
}

struct CaffeNet {
    static constexpr const char* name = "caffenet";
    static constexpr Shape input{3, 227, 227};
    template <int Classes>
    using Net = models::CaffeNet<Classes>;
};
struct Torchvision {
    static constexpr const char* name = "torchvision";
    static constexpr Shape input{3, 224, 224};
    template <int Classes>
    using Net = models::TorchvisionAlexNet<Classes>;
};

/// True for the networks that transfer knows.
template <class Choice>
constexpr bool can_be_target = requires {
    Choice::hidden;
};

/// All of them, whatever the other programs were built for: nothing is computed here.
template <class Body>
auto with_any_network(const std::string& name, Body body) {
    return choose_network<Small, AlexNet, AlexNet6144, CaffeNet, Torchvision>("--network", name,
                                                                              body);
}

/// The parameters of a network whose last layer has `outputs` outputs, whatever the type says.
template <class Net, Shape Input>
std::vector<ExpectedTensor> parameters_of(int outputs) {
    using Layout = Model<Net, Input, Cpu>;
    std::vector<ExpectedTensor> tensors;
    const int last = Layout::layout.entries.back().layer;
    for (const ParameterEntry& entry : Layout::layout.entries) {
        ParameterInfo info = entry.info;
        if (entry.layer == last) info.outputs = outputs;
        tensors.push_back({parameter_name(Layout::layers, entry), file_shape(info)});
    }
    return tensors;
}

std::vector<ExpectedTensor> expected(const Wanted& wanted) {
    return with_any_network(wanted.network, [&](auto choice) {
        using Choice = decltype(choice);
        if constexpr (can_be_target<Choice>) {
            if (wanted.mode == "whole") {
                return parameters_of<WholeNet<Choice, 1>, Choice::input>(wanted.classes);
            }
            if (!wanted.mode.empty()) {
                return parameters_of<PatchNet<Choice, 1>, Choice::input>(wanted.classes + 1);
            }
        }
        return parameters_of<typename Choice::template Net<1>, Choice::input>(wanted.classes);
    });
}

/// Calls show(type) with the wanted network. A number of classes is part of a type, so only those
/// that this program was built for can be shown.
template <class Show>
int with_type(const Wanted& wanted, Show show) {
    return with_any_network(wanted.network, [&](auto choice) {
        using Choice = decltype(choice);
        if constexpr (can_be_target<Choice>) {
            if (!wanted.mode.empty()) {
                return with_target_classes(wanted.classes, [&](auto count) {
                    constexpr int classes = count;
                    if (wanted.mode == "whole") {
                        show(std::type_identity<WholeNet<Choice, classes>>{}, Choice::input);
                    } else {
                        show(std::type_identity<PatchNet<Choice, classes>>{}, Choice::input);
                    }
                    return 0;
                });
            }
        }
        return with_source_classes(wanted.classes, [&](auto count) {
            constexpr int classes = count;
            show(std::type_identity<typename Choice::template Net<classes>>{}, Choice::input);
            return 0;
        });
    });
}

void print_file(const SafetensorsFile& file) {
    Index elements = 0;
    std::printf("%s\n", file.path().c_str());
    for (const auto& [key, value] : file.metadata()) {
        std::string words = value;
        std::replace(words.begin(), words.end(), '\n', ' ');
        if (words.size() > 100) words = words.substr(0, 97) + "...";
        std::printf("  %s: %s\n", key.c_str(), words.c_str());
    }
    std::printf("%zu tensors\n", file.tensors().size());
    for (const TensorInfo& tensor : file.tensors()) {
        elements += tensor.size();
        std::printf("  %-28s %-5s %s\n", tensor.name.c_str(),
                    std::string(dtype_name(tensor.dtype)).c_str(),
                    shape_text(tensor.shape).c_str());
    }
    std::printf("%td numbers\n", elements);
}

/// 0 when the file fits.
int compare_file(const SafetensorsFile& file, const Wanted& wanted) {
    if (wanted.network.empty()) {
        std::printf("no known network; name one with --network to compare\n");
        return 1;
    }
    const LoadReport report = compare(file, expected(wanted));
    std::printf("compared with %s\n%s%s\n", wanted.words().c_str(), report.summary().c_str(),
                report.complete() ? "the file fits" : "the file does not fit");
    return report.complete() ? 0 : 1;
}

int run_program(const Settings& s) {
    std::optional<SafetensorsFile> file;
    if (!s.file.empty()) file.emplace(s.file);
    const Wanted wanted = choose(s, file ? &*file : nullptr);
    if (s.summary || s.graph) {
        require(!wanted.network.empty(), "found no network to show, expected --network");
        return with_type(wanted, [&]<class Net>(std::type_identity<Net>, Shape input) {
            const std::string words = s.graph ? dot_graph<Net>(input) : summary<Net>(input);
            std::fputs(words.c_str(), stdout);
        });
    }
    require(file.has_value(), "found no file, expected one, or --summary or --dot");
    print_file(*file);
    return compare_file(*file, wanted);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Looks into a safetensors file and compares it with a network. The exit code is 0 when "
        "the file fits."};
    Settings settings;
    add_options(app, settings);
    CLI11_PARSE(app, argc, argv);
    try {
        return run_program(settings);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "inspect: %s\n", error.what());
        return 2;
    }
}
