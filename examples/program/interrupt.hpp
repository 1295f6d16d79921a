// SPDX-License-Identifier: MIT
// Ctrl-C and SIGTERM as a question the program asks between steps.
#pragma once

#include <csignal>

namespace program {

inline volatile std::sig_atomic_t interrupt_signal = 0;

/// From now on the first SIGINT or SIGTERM is remembered, the second one ends the program at once.
inline void watch_interrupts() {
    auto remember = [](int signal) {
        interrupt_signal = signal;
        std::signal(signal, SIG_DFL);
    };
    std::signal(SIGINT, remember);
    std::signal(SIGTERM, remember);
}

inline bool interrupted() { return interrupt_signal != 0; }

}  // namespace program
