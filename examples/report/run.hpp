// SPDX-License-Identifier: MIT
// A run folder as the report sees it: configuration, log, evaluation, training patches.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/evaluation.hpp"
#include "report/log.hpp"
#include "report/picture.hpp"
#include "tessera/image/draw.hpp"

namespace report {

/// Training patches that share a label.
struct PatchRow {
    struct Patch {
        std::string image;
        Picture picture;
    };
    std::string label, kind;
    double count = missing;  ///< of all patches with the label
    std::vector<Patch> patches;
};

/// What a run is to the paper's comparison: a variant is pre-trained too, but not as in the paper
/// (FC6 learns, or whole images in place of patches).
enum class Role { source, transferred, variant, scratch, other };

struct Run {
    std::string folder, name, mode;
    Role role = Role::other;
    json config = json::object();
    Log log{};
    bool has_log = false;
    std::optional<Evaluation> evaluation{};
    std::vector<PatchRow> patches{};
};

namespace detail {

/// Cuts the sheet of patches that patches.json describes into its cells.
inline std::vector<PatchRow> read_patches(const std::string& folder) {
    const std::string path = folder + "/patches.json";
    const Fields file(read_json(path), path);
    const std::string sheet_path = inside(folder, file.words("picture"), path);
    const tessera::Image sheet = tessera::read_image(sheet_path);
    const double side = file.number("side"), gap = file.number("gap");
    require(side >= 1 && side <= 4096 && gap >= 0 && gap <= 4096, path, ": found a side of ", side,
            " and a gap of ", gap, ", expected pixels from 1 (gap: 0) to 4096");
    const int extent = static_cast<int>(side), pitch = extent + static_cast<int>(gap);
    std::vector<PatchRow> rows;
    for (const Fields& row : file.objects("rows")) {
        rows.push_back({row.words("label"), row.words("kind"), row.number("count"), {}});
        int left = static_cast<int>(gap);
        const auto top = static_cast<int>(gap) + pitch * static_cast<int>(rows.size() - 1);
        for (const Fields& patch : row.objects("patches")) {
            require(left + extent <= sheet.width && top + extent <= sheet.height, sheet_path,
                    ": found ", sheet.width, " x ", sheet.height, " pixels, but ", path,
                    " places a patch at (", left, ", ", top, ")");
            tessera::Image cell(extent, extent);
            tessera::paste(cell, sheet, -left, -top);
            rows.back().patches.push_back(
                {patch.words("image"), Picture::of(tessera::encode_jpeg(cell), sheet_path)});
            left += pitch;
        }
    }
    return rows;
}

inline Role role_of(const std::string& program, const std::string& mode) {
    if (mode == "frozen") return Role::transferred;
    if (mode == "fc6" || mode == "finetune" || mode == "whole") return Role::variant;
    if (mode == "scratch") return Role::scratch;
    return program == "pretrain" ? Role::source : Role::other;
}

/// The last part of the path that says something: "runs/scratch/" is "scratch".
inline std::string name_of(const std::string& folder) {
    std::error_code error;
    auto path = std::filesystem::absolute(folder, error).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    return path.filename().empty() ? folder : path.filename().string();
}

}  // namespace detail

/// Throws Error naming the file when the folder is missing or holds no run, or when one of its
/// files is malformed. Files that are not there leave their part of the run empty.
inline Run read_run(const std::string& folder) {
    const auto has = [&](const char* file) {
        return std::filesystem::exists(folder + "/" + std::string(file));
    };
    require(std::filesystem::is_directory(folder), folder,
            ": no such folder, expected the run folder of pretrain, transfer or evaluate");
    require(has("config.json") || has("log.jsonl") || has("evaluation.json"), folder,
            ": found no config.json, log.jsonl or evaluation.json, expected a run folder");
    Run run{.folder = folder, .name = detail::name_of(folder), .mode = ""};
    std::string program;
    if (has("config.json")) {
        const std::string path = folder + "/config.json";
        const Fields config(read_json(path), path);
        run.config = config.all();
        program = config.words("program");
        run.mode = config.words("mode");
    }
    run.has_log = has("log.jsonl");
    if (run.has_log)
        run.log = read_log(folder + "/log.jsonl");  // evaluate writes where it is told to: beside
                                                    // the weights, or in a folder of its own below.
    if (has("evaluation.json")) {
        run.evaluation = detail::read_evaluation(folder);
    } else if (has("evaluation/evaluation.json")) {
        run.evaluation = detail::read_evaluation(folder + "/evaluation");
    }
    if (has("patches.json")) run.patches = detail::read_patches(folder);
    if (run.mode.empty() && run.evaluation) run.mode = run.evaluation->mode;

    run.role = detail::role_of(program.empty() ? run.log.program : program, run.mode);
    return run;
}

/// Names that several runs share get their folders in front.
inline void tell_apart(std::vector<Run>& runs) {
    std::map<std::string, int> uses;
    for (const Run& run : runs) ++uses[run.name];
    for (Run& run : runs) {
        if (uses[run.name] > 1) run.name = run.folder;
    }
}

}  // namespace report
