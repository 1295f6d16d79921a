// SPDX-License-Identifier: MIT
// What people see while they wait: one line with what is done, how fast, and how long it will take.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "tessera/core/text.hpp"

namespace program {

using tessera::text;

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// "1 h 02 min", "3 min 05 s", "12 s".
inline std::string duration_text(double seconds) {
    char words[48];
    const long s = static_cast<long>(seconds + 0.5);
    if (s >= 3600)
        std::snprintf(words, sizeof words, "%ld h %02ld min", s / 3600, s / 60 % 60);
    else if (s >= 60)
        std::snprintf(words, sizeof words, "%ld min %02ld s", s / 60, s % 60);
    else
        std::snprintf(words, sizeof words, "%ld s", s);
    return words;
}

/// How far a task is. `first` was done by earlier runs: it counts, but not for the rate.
struct Advance {
    double first = 0, done = 0, total = 0;
    double seconds = 0;  ///< of this run
};

/// "30 of 90 images, 10/s, 6 s left".
inline std::string advance_text(const Advance& at, const std::string& unit) {
    const double rate = at.seconds > 0 ? (at.done - at.first) / at.seconds : 0;
    char words[128];
    std::snprintf(words, sizeof words, "%.0f of %.0f %s, %.0f/s, %s left", at.done, at.total,
                  unit.c_str(), rate,
                  rate > 0 ? duration_text((at.total - at.done) / rate).c_str() : "?");
    return words;
}

/// On a terminal the line is rewritten a few times a second; in a log a line is written every half
/// minute.
class ProgressLine {
public:
    ProgressLine(std::string task, double total, std::string unit)
        : task_(std::move(task)), unit_(std::move(unit)), total_(total) {}
    ~ProgressLine() { finish(); }
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    /// `done` counts what earlier runs did too; the rate does not.
    void begin_at(double done) { first_ = done; }
    void update(double done) {
        update(done, [] { return std::string(); });
    }
    /// `note()` gives words to add, and is asked only when a line is due.
    template <class Note>
    void update(double done, Note note) {
        const double now = seconds_since(start_);
        if (now - shown_ < (terminal_ ? 0.2 : 30)) return;
        shown_ = now;
        const std::string added = note();
        const std::string words = advance_text({first_, done, total_, now}, unit_);
        print(text(task_, ": ", words, added.empty() ? "" : "; ", added));
    }
    /// A line that stays.
    void say(const std::string& words) {
        print(words);
        if (terminal_) std::fputc('\n', stderr);
        dirty_ = false;
    }
    void finish() {
        if (dirty_) std::fputs("\r\033[K", stderr);
        dirty_ = false;
    }

private:
    void print(const std::string& words) {
        if (terminal_)
            std::fprintf(stderr, "\r\033[K%s", words.c_str());
        else
            std::fprintf(stderr, "%s\n", words.c_str());
        std::fflush(stderr);
        dirty_ = terminal_;
    }

    std::string task_, unit_;
    double total_ = 0;
    double first_ = 0;
    double shown_ = 0;
    bool terminal_ = isatty(STDERR_FILENO) == 1;
    bool dirty_ = false;
    Clock::time_point start_ = Clock::now();
};

}  // namespace program
