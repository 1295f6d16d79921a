// SPDX-License-Identifier: MIT
// evaluation.json: average precision, pointing, and the pictures of the best images.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "report/fields.hpp"

namespace report {

/// Accuracy of the maximum of a map: over all objects, and as the mean over classes.
struct Pointing {
    std::string map;
    double micro = missing, macro = missing;
};

struct Example {
    std::string class_name, image;
    bool positive = false;
    double score = missing, rank = missing;
    std::string picture;  ///< path
};

/// evaluation.json. Average precisions are fractions in the order of `classes`; NaN for a class
/// without positives.
struct Evaluation {
    std::string set;
    std::vector<std::string> classes;
    std::vector<double> ap, ap_area, positives;
    double map = missing, map_area = missing, power = missing;
    double images = missing, patches = missing, seconds = missing;
    double images_per_second = missing, patches_per_second = missing;
    std::vector<Pointing> pointing;
    std::vector<Example> examples;
    std::string mode;                ///< how the evaluated weights were trained
    bool per_scale_mean = false;     ///< of the scores of an image
    json settings = json::object();  ///< other fields: what was asked for

    /// NaN for a class without positives, whatever is written there: nothing could be found.
    double ap_of(const std::string& class_name) const {
        return positives_of(class_name) == 0 ? missing : value_of(ap, class_name);
    }
    double positives_of(const std::string& class_name) const {
        return value_of(positives, class_name);
    }

private:
    double value_of(const std::vector<double>& values, const std::string& class_name) const {
        const auto found = std::find(classes.begin(), classes.end(), class_name);
        const auto i = static_cast<std::size_t>(found - classes.begin());
        return i < values.size() ? values[i] : missing;
    }
};

namespace detail {

/// Throws Error for a path that leads out of the run folder: the report embeds what it names.
inline std::string inside(const std::string& folder, const std::string& path,
                          const std::string& where) {
    const std::filesystem::path relative(path);
    bool leads_out = path.empty() || relative.is_absolute();
    for (const auto& part : relative) leads_out |= part == "..";
    require(!leads_out, where, ": found the picture '", path,
            "', expected a path inside the run folder");
    return folder + "/" + path;
}

inline void require_one_each(const Fields& file, const char* name, std::size_t found,
                             std::size_t classes) {
    require(found == 0 || found == classes, file.where(), ": field '", name, "': found ", found,
            " values, expected one for each of the ", classes, " classes");
}

inline Evaluation read_evaluation(const std::string& folder) {
    const std::string path = folder + "/evaluation.json";
    const Fields file(read_json(path), path);
    Evaluation e;
    e.set = file.words("set");
    e.classes = file.texts("classes");
    e.ap = file.numbers("ap");
    e.ap_area = file.numbers("ap_area");
    e.positives = file.numbers("positives");
    require(!e.classes.empty() && !e.ap.empty(), path,
            ": found no 'classes' or no 'ap', expected an evaluation of at least one class");
    require_one_each(file, "ap", e.ap.size(), e.classes.size());
    require_one_each(file, "ap_area", e.ap_area.size(), e.classes.size());
    require_one_each(file, "positives", e.positives.size(), e.classes.size());
    e.map = file.number("map");
    e.map_area = file.number("map_area");
    e.power = file.number("power");
    e.images = file.number("images");
    e.patches = file.number("patches");
    e.seconds = file.number("seconds");
    e.images_per_second = file.number("images_per_second");
    e.patches_per_second = file.number("patches_per_second");
    const Fields pointing = file.object("pointing");
    for (const char* map : {"sum", "mean", "centre"}) {
        if (!pointing.has(map)) continue;
        const Fields values = pointing.object(map);
        e.pointing.push_back({map, values.number("micro"), values.number("macro")});
    }
    e.mode = file.words("mode");
    for (const char* name : {"set", "weights", "lambdas", "lambdas_used", "stride", "power",
                             "per_scale_mean", "mirror"}) {
        if (file.has(name)) e.settings[name] = file.all().at(name);
    }
    e.per_scale_mean = e.settings.value("per_scale_mean", json()) == true;
    for (const Fields& example : file.objects("examples")) {
        const std::string kind = example.words("kind");
        require(kind == "true_positive" || kind == "false_positive", example.where(),
                ": found kind '", kind, "', expected true_positive or false_positive");
        e.examples.push_back({.class_name = example.words("class"),
                              .image = example.words("image"),
                              .positive = kind == "true_positive",
                              .score = example.number("score"),
                              .rank = example.number("rank"),
                              .picture = inside(folder, example.words("picture"), path)});
    }
    return e;
}

}  // namespace detail

}  // namespace report
