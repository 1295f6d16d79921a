// SPDX-License-Identifier: MIT
// A run folder: configuration, log with one JSON object a line, checkpoint, weights.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "program/environment.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/folder.hpp"

namespace program {

using nlohmann::json;

/// Appends whole lines; a full disk or a folder that cannot be written is an Error.
class RunFolder {
public:
    explicit RunFolder(std::string path) : path_(std::move(path)) { tessera::make_folders(path_); }
    ~RunFolder() {
        if (log_ >= 0) ::close(log_);
    }
    RunFolder(const RunFolder&) = delete;
    RunFolder& operator=(const RunFolder&) = delete;

    std::string file(const std::string& name) const { return path_ + "/" + name; }
    bool has(const std::string& name) const { return tessera::path_exists(file(name)); }
    const std::string& path() const { return path_; }

    /// Adds "environment": version, compiler, processor.
    void write_config(json config) const {
        config["environment"] = {{"program", environment_words()}};
        tessera::write_file(file("config.json"), config.dump(2) + "\n");
    }
    json read_config() const { return json::parse(tessera::read_file(file("config.json"))); }

    /// {"event": ..., "time": seconds since 1970, ...} as one line of log.jsonl.
    void log(const char* event, json fields) {
        if (log_ < 0) open_log();
        fields["event"] = event;
        fields["time"] =
            std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
                .count();
        const std::string line = fields.dump() + "\n";
        const ssize_t written = ::write(log_, line.data(), line.size());
        tessera::require(written == static_cast<ssize_t>(line.size()), file("log.jsonl"),
                         ": cannot write: ", written < 0 ? std::strerror(errno) : "disk full");
    }

private:
    /// A line that a killed program left unfinished goes.
    void open_log() {
        const std::string path = file("log.jsonl");
        if (std::filesystem::is_regular_file(path)) {
            const std::vector<std::uint8_t> bytes = tessera::read_file(path);
            std::size_t whole = bytes.size();
            while (whole > 0 && bytes[whole - 1] != '\n') --whole;
            if (whole < bytes.size()) std::filesystem::resize_file(path, whole);
        }
        log_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        tessera::require(log_ >= 0, path, ": cannot open: ", std::strerror(errno));
    }

    std::string path_;
    int log_ = -1;
};

}  // namespace program
