// SPDX-License-Identifier: MIT
// Work on the images of a set by several threads, each taking the next one.
#pragma once

#include <atomic>
#include <exception>
#include <vector>

#include "program/interrupt.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/core/thread.hpp"

namespace program {

/// Calls work(i, thread) for 0 .. count - 1, until interrupted. Rethrows the first exception.
template <class Work>
void for_each_index(std::size_t count, Work work) {
    std::atomic<std::size_t> next{0};
    std::exception_ptr error;
    tessera::Mutex mutex;
    auto loop = [&](int thread) {
        for (std::size_t i; (i = next++) < count && !interrupted();) {
            try {
                work(i, thread);
            } catch (...) {
                const tessera::Lock lock(mutex);
                if (!error) error = std::current_exception();
                next = count;
            }
        }
    };
    {
        std::vector<tessera::Thread> others;
        for (int t = 1; t < tessera::Cpu::threads(); ++t) {
            others.emplace_back([&loop, t] { loop(t); });
        }
        loop(0);
    }
    if (error) std::rethrow_exception(error);
}

}  // namespace program
