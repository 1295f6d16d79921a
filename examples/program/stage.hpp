// SPDX-License-Identifier: MIT
// A stage of a program: how long it took and how fast it was, printed and logged.
#pragma once

#include <cstdio>
#include <string>

#include "program/console.hpp"
#include "program/run_folder.hpp"

namespace program {

/// The clock starts with the object.
class Stage {
public:
    Stage(RunFolder& run, std::string name, std::string unit)
        : run_(run), name_(std::move(name)), unit_(std::move(unit)) {}

    double seconds() const { return seconds_since(start_); }

    /// Prints "name: 207466 patches in 3 min 12 s, 1080/s" and writes the event "stage".
    void finish(double count) {
        const double taken = seconds(), rate = taken > 0 ? count / taken : 0;
        std::fprintf(stderr, "%s: %.0f %s in %s, %.0f/s\n", name_.c_str(), count, unit_.c_str(),
                     duration_text(taken).c_str(), rate);
        run_.log("stage", {{"stage", name_},
                           {"count", count},
                           {"unit", unit_},
                           {"seconds", taken},
                           {"per_second", rate}});
    }

private:
    RunFolder& run_;
    std::string name_, unit_;
    Clock::time_point start_ = Clock::now();
};

}  // namespace program
