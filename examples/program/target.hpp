// SPDX-License-Identifier: MIT
// The networks of the target task, and what their weight files say about themselves.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "program/input_spec.hpp"
#include "program/networks.hpp"
#include "tessera/io/weights.hpp"
#include "tessera/patch/tile.hpp"

namespace program {

/// The source network; how many classes it had is of no interest behind the cut.
template <class Choice>
using SourceNet = typename Choice::template Net<1>;

/// C1 to FC7.
template <class Choice>
using TrunkNet = models::Fc7Features<SourceNet<Choice>>;

/// For patches: an output a class and one for the background.
template <class Choice, int Classes>
using PatchNet = models::TransferNet<SourceNet<Choice>, Classes + 1, Choice::hidden>;

/// For whole images, which may show several classes: an output a class, no softmax.
template <class Choice, int Classes>
using WholeNet = Append<Freeze<TrunkNet<Choice>>, Named<"fca", Linear<Choice::hidden>>, ReLU,
                        Named<"fcb", Linear<Classes>>>;

/// Reads C1 to FC7 of a file; further layers of the file are passed over. Throws Error when one is
/// missing or of another shape.
template <class TrunkModel>
void load_trunk(TrunkModel& trunk, const SafetensorsFile& file) {
    const LoadReport report = inspect_weights(trunk, file);
    require(report.missing.empty() && report.mismatched.empty(), file.path(),
            ": found no C1 to FC7 of this network\n", report.summary());
    load_weights(trunk, file, {.partial = true});
}

/// How a target network was trained, and with that how it is to be used.
struct TargetSpec {
    InputSpec input;   ///< its classes are the target's
    std::string mode;  ///< frozen, fc6, finetune, scratch or whole
    Tiling tiling{};

    bool whole() const { return mode == "whole"; }

    std::map<std::string, std::string> metadata() const {
        auto fields = input.metadata();
        fields["mode"] = mode;
        fields["lambdas"] = joined(tiling.lambdas);
        fields["stride"] = exact_text(tiling.stride);
        return fields;
    }

    /// Throws Error when the file was not written by transfer.
    static TargetSpec read(const SafetensorsFile& file) {
        const auto& fields = file.metadata();
        require(fields.contains("mode") && fields.contains("lambdas") && fields.contains("stride"),
                file.path(),
                ": no field 'mode' in the header, expected weights written by transfer");
        TargetSpec spec;
        spec.input = InputSpec::read(file);
        spec.mode = fields.at("mode");
        spec.tiling.lambdas = numbers(fields.at("lambdas"), file.path() + ": field 'lambdas'");
        spec.tiling.stride = numbers(fields.at("stride"), file.path() + ": field 'stride'").at(0);
        return spec;
    }

private:
    static std::string joined(const std::vector<double>& values) {
        std::string words;
        for (const double value : values) words += (words.empty() ? "" : " ") + exact_text(value);
        return words;
    }
    static std::vector<double> numbers(const std::string& words, const std::string& where) {
        std::vector<double> values;
        std::istringstream in(words);
        for (double value; in >> value;) values.push_back(value);
        require(!values.empty() && in.eof(), where, ": found '", words, "', expected numbers");
        return values;
    }
};

}  // namespace program
