// SPDX-License-Identifier: MIT
// Work: many independent pieces on several threads, with progress, and an end on request.
#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace synthetic {

/// Set by Ctrl-C or SIGTERM: pieces begun are finished, no further piece is begun.
inline std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free);

/// A second signal ends the program at once.
inline void stop_on_signals() {
    for (const int number : {SIGINT, SIGTERM}) {
        std::signal(number, [](int received) {
            stop_requested = true;
            std::signal(received, SIG_DFL);
        });
    }
}

/// One line on standard error with count, rate and time left: rewritten in place on a terminal,
/// else a new line every five seconds.
class Progress {
public:
    Progress(std::string name, int total, bool shown)
        : name_(std::move(name)), total_(total), shown_(shown), terminal_(isatty(STDERR_FILENO)) {}

    /// Thread-safe.
    void advance() {
        const std::lock_guard lock(mutex_);
        ++done_;
        const double now = seconds();
        if (done_ == total_ || now >= next_) {
            print(now);
            next_ = now + (terminal_ ? 0.2 : 5);
        }
    }
    int done() const { return done_; }
    double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }
    /// Ends the line.
    void finish() const {
        if (shown_ && terminal_) std::fputc('\n', stderr);
    }

private:
    void print(double now) const {
        if (!shown_) return;
        const double rate = done_ / std::max(now, 1e-3);
        std::fprintf(stderr, "%s%-16s %6d / %d   %5.0f images/s   %3.0f s left%s",
                     terminal_ ? "\r" : "", name_.c_str(), done_, total_, rate,
                     (total_ - done_) / std::max(rate, 1e-3), terminal_ ? "   " : "\n");
    }

    std::string name_;
    int total_;
    bool shown_;
    bool terminal_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::mutex mutex_;
    int done_ = 0;
    double next_ = 0;
};

struct WorkOptions {
    int threads = 1;
    bool progress = false;
};

/// Calls piece(i) for 0 <= i < count, each once, in any order. Returns how many were done: all,
/// unless a stop was requested. The first exception of a piece ends the work and is thrown on.
template <class Piece>
int work(const std::string& name, int count, const WorkOptions& options, const Piece& piece) {
    Progress progress(name, count, options.progress);
    std::atomic<int> next = 0;
    std::atomic<bool> failed = false;
    std::exception_ptr error;
    const auto loop = [&] {
        for (int i; !stop_requested && !failed && (i = next++) < count;) {
            try {
                piece(i);
                progress.advance();
            } catch (...) {
                if (!failed.exchange(true)) error = std::current_exception();
            }
        }
    };
    {
        std::vector<std::jthread> helpers;
        for (int i = 1; i < options.threads; ++i) helpers.emplace_back(loop);
        loop();
    }
    progress.finish();
    if (error) std::rethrow_exception(error);
    return progress.done();
}

}  // namespace synthetic
