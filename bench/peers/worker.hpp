// SPDX-License-Identifier: MIT
// What alexnet.py asks of a program that takes part: it says who it is, then answers each line
// "WORK PASS BATCH CALLS" with {"ms": ...}, the time of one call, the mean of CALLS. Short calls,
// of which there are several, have one more before them, for the caches and the threads to come to
// life again. The first such line of a case, with 0 calls, prepares it: one call to warm up and one
// for the time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace bench {

/// A case of a peer: the network, its pass, and how many images it sees at once.
struct Case {
    std::string work;
    std::string pass;
    int batch = 0;
};

/// What a call of a case runs; holds all that it needs.
using Body = std::function<void()>;

inline double time_ms(const Body& body, int calls) {
    const auto start = std::chrono::steady_clock::now();
    for (int call = 0; call < calls; ++call) body();
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - start;
    return taken.count() / calls;
}

/// As a string of JSON, on one line.
inline std::string quoted(std::string words) {
    std::replace_if(
        words.begin(), words.end(),
        [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' '; }, ' ');
    return '"' + words + '"';
}

/// Answers until there are no more lines. `prepare(case)` throws where it does not know the case.
template <class Prepare>
int serve(const std::string& version, const std::string& note, const Prepare& prepare) {
    std::cout << R"({"version": )" << quoted(version) << R"(, "note": )" << quoted(note) << "}"
              << std::endl;
    Body body;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        Case wanted;
        int calls = 0;
        words >> wanted.work >> wanted.pass >> wanted.batch >> calls;
        try {
            if (calls == 0) {
                body = nullptr;  // what the case before held is free again
                body = prepare(wanted);
                body();
            }
            if (!body) throw std::runtime_error("no case is prepared");
            if (calls > 1) body();
            std::cout << R"({"ms": )" << time_ms(body, calls > 0 ? calls : 1) << "}" << std::endl;
        } catch (const std::exception& error) {
            std::cout << R"({"error": )" << quoted(error.what()) << "}" << std::endl;
        }
    }
    return 0;
}

[[noreturn]] inline void refuse(const Case& wanted) {
    throw std::runtime_error("unknown: " + wanted.work + " " + wanted.pass);
}

}  // namespace bench
