// SPDX-License-Identifier: MIT
// synthesize: writes a generated ImageNet-style folder and a generated VOC tree, so that the whole
// paper can be run in small without any download.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

#include "synthetic/dataset.hpp"

namespace {

namespace fs = std::filesystem;

constexpr const char* settings_name = "synthesize.ini";

/// Makes `out` ready, and leaves the settings there: in a later run they tell whether what lies in
/// the folder is the same data, and that it was generated and may be replaced.
void claim(const fs::path& out, const std::string& settings, bool replace) {
    const fs::path note = out / settings_name;
    const bool filled = fs::exists(out / "source") || fs::exists(out / "target");
    if (filled) {
        tessera::require(fs::exists(note), "--out ", out.string(),
                         ": found a folder source or target that was not generated here (no ",
                         settings_name, "), expected an empty or new folder");
        const auto bytes = tessera::read_file(note.string());
        if (std::string(bytes.begin(), bytes.end()) == settings) return;
        tessera::require(replace, "--out ", out.string(),
                         ": found data generated with other settings (see ", note.string(),
                         "), expected an empty folder, the same settings, or --replace");
        fs::remove_all(out / "source");
        fs::remove_all(out / "target");
    }
    synthetic::detail::make_folder(out);
    tessera::write_file(note.string(), settings);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Writes two generated data sets.\n"
        "  OUT/source  ImageNet-style: fine classes (what it is, how it is built, its coat), one\n"
        "              thing per image; train/, val/, words.txt\n"
        "  OUT/target  VOCdevkit/VOC2007: scenes of several things at several scales with\n"
        "              distractors; coarse classes that split, merge and extend the source's\n"
        "The same settings give the same bytes, whatever the number of threads. After Ctrl-C the\n"
        "same command completes the data."};
    synthetic::Recipe recipe;
    synthetic::WorkOptions options;
    std::string out;
    bool replace = false, quiet = false;
    options.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));

    app.option_defaults()->always_capture_default();
    app.set_config("--config", "", "Read options from a file, for instance OUT/synthesize.ini");
    app.add_option("--out", out, "Folder to write to")->required()->configurable(false);
    app.add_flag("--replace", replace, "Replace data generated with other settings")
        ->configurable(false);
    app.add_option("--threads", options.threads, "Threads")
        ->check(CLI::Range(1, 256))
        ->configurable(false);
    app.add_flag("--quiet", quiet, "No progress")->configurable(false);
    app.add_option("--seed", recipe.seed, "Seed of everything");
    app.add_option("--quality", recipe.quality, "JPEG quality")->check(CLI::Range(1, 100));

    const auto number = [&](const char* name, int& value, const char* help, int low, int high,
                            const char* group) {
        app.add_option(name, value, help)->check(CLI::Range(low, high))->group(group);
    };
    number("--classes", recipe.classes, "Fine classes", 2, synthetic::most_source_classes,
           "Source");
    number("--per-class", recipe.train_per_class, "Training images per class", 1, 99999, "Source");
    number("--val-per-class", recipe.val_per_class, "Validation images per class", 1, 99999,
           "Source");
    number("--source-size", recipe.source_size, "Width and height of an image", 16, 1024, "Source");
    number("--target-classes", recipe.scene.classes, "Coarse classes", 2,
           synthetic::most_target_classes, "Target");
    number("--trainval", recipe.trainval, "Images to train on; halves are train and val", 2, 99999,
           "Target");
    number("--test", recipe.test, "Images to test on", 1, 99999, "Target");
    number("--width", recipe.scene.width, "Width of an image", 32, 2048, "Target");
    number("--height", recipe.scene.height, "Height of an image", 32, 2048, "Target");
    number("--things", recipe.scene.most_things, "Most things of a class per image", 1, 16,
           "Target");
    CLI11_PARSE(app, argc, argv);
    options.progress = !quiet;

    try {
        claim(out, app.config_to_str(true), replace);
        synthetic::stop_on_signals();
        const fs::path folder = out;
        const auto source = synthetic::write_source((folder / "source").string(), recipe, options);
        synthetic::Written target{0, recipe.trainval + recipe.test};
        if (!synthetic::stop_requested) {
            target = synthetic::write_target((folder / "target").string(), recipe, options);
        }
        std::printf("%s: %d of %d images, %d classes\n", (folder / "source").c_str(), source.done,
                    source.planned, recipe.classes);
        std::printf("%s: %d of %d images, %d classes\n",
                    (folder / "target/VOCdevkit/VOC2007").c_str(), target.done, target.planned,
                    recipe.scene.classes);
        if (source.done == source.planned && target.done == target.planned) return 0;
        std::printf(
            "stopped; every file is whole, the lists are missing. "
            "The same command completes the data.\n");
        return 130;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "synthesize: %s\n", error.what());
        return 1;
    }
}
