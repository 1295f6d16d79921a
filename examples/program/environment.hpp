// SPDX-License-Identifier: MIT
// The machine and the build this program runs on.
#pragma once

#include <fstream>
#include <string>
#include <thread>

#include "tessera/core/version.hpp"

namespace program {

/// "model name" of /proc/cpuinfo, or "unknown processor" where there is none.
inline std::string processor() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        const std::size_t colon = line.find(": ");
        if (line.starts_with("model name") && colon != std::string::npos) {
            return line.substr(colon + 2);
        }
    }
    return "unknown processor";
}

inline std::string compiler() {
#if defined(__clang__)
    return "clang++ " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__);
#elif defined(__GNUC__)
    return "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__);
#else
    return "another compiler";
#endif
}

/// The arguments as one would type them, in quotes where a shell needs them.
inline std::string command_line(int argc, const char* const* argv) {
    constexpr const char* harmless =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
    std::string line;
    for (int i = 0; i < argc; ++i) {
        const std::string argument = argv[i];
        const bool plain =
            !argument.empty() && argument.find_first_not_of(harmless) == std::string::npos;
        std::string quoted = "'";
        for (const char c : argument)
            quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
        line += (i > 0 ? " " : "") + (plain ? argument : quoted + "'");
    }
    return line;
}

/// One sentence for the foot of the page.
inline std::string environment_words() {
    return std::string("Tessera ") + tessera::version + ", " + compiler() + ", " + processor() +
           ", " + std::to_string(std::thread::hardware_concurrency()) + " hardware threads";
}

}  // namespace program
