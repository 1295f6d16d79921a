// SPDX-License-Identifier: MIT
// Writes what the other programs left in their run folders as one self-contained HTML page.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "report/page.hpp"

int main(int argc, char** argv) {
    CLI::App app{
        "Writes one self-contained HTML page about runs of pretrain, transfer and evaluate: "
        "results, curves, average precision beside the paper's, patches, heat maps, times."};
    std::vector<std::string> folders;
    std::string out;
    report::PageOptions options;
    app.add_option("RUN", folders, "run folders, in the order in which they are shown")->required();
    app.add_option("--out", out, "the page to write, whole or not at all")->required();
    app.add_option("--title", options.title)->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    try {
        options.command = program::command_line(argc, argv);
        report::Runs runs;
        for (const std::string& folder : folders) runs.push_back(report::read_run(folder));
        report::tell_apart(runs);
        const std::string page = report::page(runs, options);
        tessera::write_file(out, page);
        std::printf("%s: %zu %s, %.1f MB\n", out.c_str(), runs.size(),
                    runs.size() == 1 ? "run" : "runs", static_cast<double>(page.size()) / 1e6);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "report: %s\n", error.what());
        return 1;
    }
}
