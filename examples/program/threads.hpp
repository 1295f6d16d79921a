// SPDX-License-Identifier: MIT
// Threads that wait without spinning: the loader's threads share the processors with those of the
// ops.
#pragma once

#include <unistd.h>

#include <cstdlib>

namespace program {

/// OpenMP reads its environment before main begins, so the program starts itself once more.
/// Measured on a loaded machine of two cores, spinning made a small training up to 70 times slower.
inline void wait_without_spinning(char** arguments) {
    if (std::getenv("OMP_WAIT_POLICY")) return;
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execv("/proc/self/exe", arguments);  // returns only where there is no /proc: then we spin
}

}  // namespace program
