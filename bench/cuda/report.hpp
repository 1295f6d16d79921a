// SPDX-License-Identifier: MIT
// What the CUDA benchmarks read and print: the words of the command line, and one JSON object a
// line.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tessera/core/error.hpp"

namespace bench {

/// One JSON object on one line of standard output, member by member.
class Line {
public:
    Line& add(const char* name, const std::string& words) {
        std::string quoted;
        for (const char letter : words) {
            if (letter == '"' || letter == '\\') quoted += '\\';
            quoted += letter < ' ' ? ' ' : letter;
        }
        return member(name, '"' + quoted + '"');
    }
    Line& add(const char* name, const char* words) { return add(name, std::string(words)); }
    Line& add(const char* name, double number) {
        char digits[32];
        std::snprintf(digits, sizeof digits, "%.6g", number);
        return member(name, std::isfinite(number) ? digits : "null");
    }
    Line& add(const char* name, int number) { return member(name, std::to_string(number)); }
    void print() const {
        std::printf("{%s}\n", members_.c_str());
        std::fflush(stdout);
    }

private:
    Line& member(const char* name, const std::string& value) {
        if (!members_.empty()) members_ += ", ";
        members_ += std::string("\"") + name + "\": " + value;
        return *this;
    }
    std::string members_;
};

struct Options {
    bool quick = false;
    bool predict = false;
    std::vector<int> batches{};
    std::vector<std::string> arithmetics{};
    std::string filter{};

    /// "float32", "tf32", "bfloat16" or "bfloat16_wgmma"; all, unless some are asked for.
    bool wants_arithmetic(const std::string& name) const {
        return arithmetics.empty() ||
               std::find(arithmetics.begin(), arithmetics.end(), name) != arithmetics.end();
    }
    bool wants(const std::string& name) const { return name.find(filter) != std::string::npos; }
};

/// Reads the command line; prints `usage` and leaves the program when asked to. Throws Error at a
/// word that is no option.
inline Options read_options(int count, char** words, const char* usage) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        const auto value = [&] {
            tessera::require(i + 1 < count, word, " needs a value (see --help)");
            return words[++i];
        };
        if (word == "--help" || word == "-h") {
            std::fputs(usage, stdout);
            std::exit(0);
        } else if (word == "--quick") {
            options.quick = true;
        } else if (word == "--predict") {
            options.predict = true;
        } else if (word == "--filter") {
            options.filter = value();
        } else if (word == "--arithmetic") {
            const std::string name = value();
            tessera::require(name == "float32" || name == "tf32" || name == "bfloat16" ||
                                 name == "bfloat16_wgmma",
                             "--arithmetic is float32, tf32, bfloat16 or bfloat16_wgmma, found ",
                             name);
            options.arithmetics.push_back(name);
        } else if (word == "--batch") {
            options.batches.push_back(std::atoi(value()));
            tessera::require(options.batches.back() > 0, "--batch needs a number from 1 on");
        } else {
            tessera::fail("unknown option: ", word, " (see --help)");
        }
    }
    return options;
}

/// The first line that a command prints; empty where it cannot be run.
inline std::string first_line_of(const std::string& command) {
    std::string line;
    std::FILE* const pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
    if (!pipe) return line;
    for (int letter = std::fgetc(pipe); letter != EOF && letter != '\n';
         letter = std::fgetc(pipe)) {
        line += static_cast<char>(letter);
    }
    while (std::fgetc(pipe) != EOF) {
    }
    ::pclose(pipe);
    return line;
}

/// What nvidia-smi says of the first GPU now, "SM MHz, memory MHz, watts, degrees Celsius".
inline std::string clocks_now() {
    return first_line_of(
        "nvidia-smi --query-gpu=clocks.sm,clocks.mem,power.draw,temperature.gpu "
        "--format=csv,noheader");
}

/// The commit of the sources: TESSERA_COMMIT, or what git says of their folder.
inline std::string commit() {
    if (const char* const given = std::getenv("TESSERA_COMMIT")) return given;
    const std::string git = std::string("git -C '") + TESSERA_SOURCE_DIR + "' describe --always ";
    const std::string hash = first_line_of(git + "--dirty --exclude='*' --abbrev=12");
    return hash.empty() ? "unknown" : hash;
}

}  // namespace bench
