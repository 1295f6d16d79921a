// SPDX-License-Identifier: MIT
// What a network needs to know about its input besides its shape: mean, scale and the classes it
// was trained on. They travel with the weights.
#pragma once

#include <charconv>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "tessera/image/normaliser.hpp"
#include "tessera/io/safetensors.hpp"
#include "tessera/io/safetensors_writer.hpp"

namespace program {

using namespace tessera;

/// The fewest digits that read back as the same number.
template <class Number>
std::string exact_text(Number value) {
    char digits[32];
    return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

/// Mean image of extent x extent x 3 in memory order (rows, columns, channels).
struct InputSpec {
    std::string network;  ///< Small::name and so on
    int extent = 0;
    float scale = 1;
    std::vector<float> mean;
    std::vector<std::string> classes;

    Normaliser normaliser() const { return Normaliser(Shape{3, extent, extent}, mean, scale); }

    std::map<std::string, std::string> metadata() const {
        std::string names;
        for (const std::string& name : classes) names += (names.empty() ? "" : "\n") + name;
        return {{"network", network}, {"scale", exact_text(scale)}, {"classes", names}};
    }
    std::vector<TensorSource> tensors() const {
        return {{.name = "state.mean_image",
                 .dtype = Dtype::f32,
                 .shape = {extent, extent, 3},
                 .bytes = bytes_of(std::span<const float>(mean)),
                 .produce = {}}};
    }

    /// Throws Error when the file lacks one of the fields: it was not written by these programs.
    static InputSpec read(const SafetensorsFile& file) {
        auto field = [&](const char* key) {
            const auto found = file.metadata().find(key);
            require(found != file.metadata().end(), file.path(), ": no field '", key,
                    "' in the header, expected weights written by pretrain or transfer");
            return found->second;
        };
        InputSpec spec;
        spec.network = field("network");
        const std::string scale = field("scale");
        const char* end = scale.data() + scale.size();
        const auto parsed = std::from_chars(scale.data(), end, spec.scale);
        require(parsed.ec == std::errc{} && parsed.ptr == end && std::isfinite(spec.scale),
                file.path(), ": field 'scale': found '", scale, "', expected a number");
        const std::string names = field("classes");
        for (std::size_t begin = 0; begin <= names.size();) {
            const std::size_t stop = std::min(names.find('\n', begin), names.size());
            spec.classes.push_back(names.substr(begin, stop - begin));
            begin = stop + 1;
        }
        const TensorInfo& mean = file.at("state.mean_image");
        require(mean.shape.size() == 3 && mean.shape[0] == mean.shape[1] && mean.shape[2] == 3,
                file.path(), ": state.mean_image is ", shape_text(mean.shape),
                ", expected extent x extent x 3");
        spec.extent = static_cast<int>(mean.shape[0]);
        spec.mean.resize(static_cast<std::size_t>(mean.size()));
        file.read("state.mean_image", std::span(spec.mean));
        return spec;
    }
};

}  // namespace program
