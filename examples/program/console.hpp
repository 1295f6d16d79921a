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
        const double rate = (done - first_) / now;
        char words[256];
        std::snprintf(words, sizeof words, "%s: %.0f of %.0f %s, %.0f/s, %s left", task_.c_str(),
                      done, total_, unit_.c_str(), rate,
                      rate > 0 ? duration_text((total_ - done) / rate).c_str() : "?");
        print(added.empty() ? words : text(words, "; ", added));
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
