// SPDX-License-Identifier: MIT
// What it took: time by stage and rates, configuration, environment.
#pragma once

#include <set>

#include "report/headline.hpp"

namespace report {

namespace detail {

/// Training as the sum of the epochs: a resumed run logs its last part only as a stage. Watching
/// the validation set is not counted.
inline StageEntry training_stage(const Run& run) {
    StageEntry stage{.name = "training", .unit = "images", .seconds = 0, .count = 0};
    for (const EpochEntry& epoch : run.log.epochs) {
        if (!std::isfinite(epoch.seconds)) continue;
        stage.seconds += epoch.seconds;
        stage.count += epoch.seconds * epoch.per_second;
    }
    const bool patches = run.role != Role::source && run.mode != "whole";
    if (patches) stage.unit = "patches";
    stage.name += ", " + count(static_cast<double>(run.log.epochs.size())) + " epochs";
    stage.per_second = stage.seconds > 0 ? stage.count / stage.seconds : missing;
    return stage;
}

inline std::vector<StageEntry> stages_of(const Run& run) {
    std::vector<StageEntry> stages;
    const auto told_better = [&](const std::string& name) {
        return (name == "training" && !run.log.epochs.empty()) ||
               (run.evaluation && name == "scoring " + run.evaluation->set);
    };
    for (const StageEntry& stage : run.log.stages) {
        if (!told_better(stage.name)) stages.push_back(stage);
    }
    if (!run.log.epochs.empty()) stages.push_back(training_stage(run));
    if (run.evaluation && std::isfinite(run.evaluation->seconds)) {
        const Evaluation& e = *run.evaluation;
        const bool patches = e.patches > 0;
        stages.push_back({.name = "scoring " + e.set,
                          .unit = patches ? "patches" : "images",
                          .seconds = e.seconds,
                          .count = patches ? e.patches : e.images,
                          .per_second = patches ? e.patches_per_second : e.images_per_second});
    }
    return stages;
}

}  // namespace detail

inline Html speed_section(const Runs& runs) {
    Table table(
        "Time by stage",
        {{"run"}, {"stage", "", true}, {"time"}, {"count"}, {"of", "", true}, {"per second"}});
    double total = 0;
    for (const Run& run : runs) {
        for (const StageEntry& stage : detail::stages_of(run)) {
            table.add({run.name, stage.name, duration(stage.seconds), count(stage.count),
                       stage.unit, count(stage.per_second)});
            if (std::isfinite(stage.seconds)) total += stage.seconds;
        }
    }
    if (table.empty()) return note("These runs have logged no stage with its time.");
    table.add_total({"together", "", duration(total), "", "", ""});
    return table.html();
}

/// Rows of names and values, one column a run.
inline Html comparison(const std::string& caption, const std::vector<std::string>& names,
                       const std::vector<std::pair<std::string, json>>& sources) {
    std::vector<Column> columns{{"name"}};
    for (const auto& [name, values] : sources) columns.push_back({name, "", true});
    Table table(caption, columns);
    for (const std::string& name : names) {
        std::vector<Cell> cells{name};
        for (const auto& [source, values] : sources) {
            cells.emplace_back(values.contains(name) ? plain(values.at(name)) : "");
        }
        table.add(cells);
    }
    return table.html();
}

/// Of all objects, without what is told elsewhere.
inline std::vector<std::string> names_in(const std::vector<std::pair<std::string, json>>& sources,
                                         const std::set<std::string>& left_out) {
    std::set<std::string> names;
    for (const auto& [source, values] : sources) {
        for (const auto& [name, value] : values.items()) {
            if (!left_out.contains(name)) names.insert(name);
        }
    }
    return {names.begin(), names.end()};
}

inline Html configuration_section(const Runs& runs) {
    std::vector<std::pair<std::string, json>> configurations, environments, evaluations;
    for (const Run& run : runs) {
        if (!run.config.empty()) configurations.emplace_back(run.name, run.config);
        json environment = run.config.value("environment", json::object());
        require(environment.is_object(), run.folder,
                "/config.json: field 'environment': expected an object");
        for (const char* field : {"environment", "threads", "parameters", "classes",
                                  "training_images", "validation_images"}) {
            if (run.log.start.contains(field)) environment[field] = run.log.start.at(field);
        }
        if (environment.contains("classes") && environment["classes"].is_array()) {
            environment["classes"] = environment["classes"].size();
        }
        if (std::isfinite(run.log.began)) environment["began"] = date(run.log.began);
        if (!environment.empty()) environments.emplace_back(run.name, environment);
    }
    for (const Run& run : runs) {
        if (run.evaluation) evaluations.emplace_back(run.name, run.evaluation->settings);
    }
    Html content;
    if (!configurations.empty()) {
        content +=
            comparison("Configuration", names_in(configurations, {"environment"}), configurations);
    }
    if (!evaluations.empty()) {
        content += comparison("Evaluation", names_in(evaluations, {}), evaluations);
    }
    if (!environments.empty()) {
        content += comparison("Data and environment", names_in(environments, {}), environments);
    }
    return content.empty() ? note("These runs have no config.json and no log.") : content;
}

}  // namespace report
