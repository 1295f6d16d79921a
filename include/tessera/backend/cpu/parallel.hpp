// SPDX-License-Identifier: MIT
// Threads: the one place that knows OpenMP. Without it everything runs on one thread.
#pragma once

#include <algorithm>
#include <array>
#include <exception>

#include "tessera/core/shape.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace tessera::cpu {

/// How many threads an op may use when its caller does not say.
inline int max_threads() {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

/// Sets that number for the calling thread; workspaces made before keep theirs.
inline void set_max_threads([[maybe_unused]] int threads) {
#ifdef _OPENMP
    omp_set_num_threads(threads);
#endif
}

/// All the threads, or one where a team costs more than it saves (about 5 microseconds). Nothing in
/// between: OpenMP keeps a team for the next region only if that has the same size.
constexpr int threads_for(Index elements, int threads) { return elements < 16384 ? 1 : threads; }

namespace detail {

/// Compiled once for all loops, which are called by address: with a region of each one's own, a
/// compiler has its body there and once more for a single thread.
inline void run_parts(Index count, int threads, const void* body,
                      void (*run)(const void* body, Index begin, Index end, int thread)) {
    if (count <= 0) return;
#ifdef _OPENMP
    if (threads > 1 && count > 1) {
        std::exception_ptr error;
        int thrower = threads;
        // Not `parallel for`: clang's OpenMP runtime allocates for each of its loops.
#pragma omp parallel num_threads(threads)
        for (int thread = omp_get_thread_num(); thread < threads; thread += omp_get_num_threads()) {
            const Index begin = count * thread / threads;
            const Index end = count * (thread + 1) / threads;
            if (begin == end) continue;
            try {
                run(body, begin, end, thread);
            } catch (...) {
#pragma omp critical(tessera_parallel_for)
                if (thread < thrower) {
                    thrower = thread;
                    error = std::current_exception();
                }
            }
        }
        if (error) std::rethrow_exception(error);
        return;
    }
#endif
    static_cast<void>(threads);
    run(body, 0, count, 0);
}

}  // namespace detail

/// Calls f(begin, end, thread) once for every non-empty part of 0 .. count - 1; part `thread` is
/// the same in every run. Rethrows the first exception of the lowest thread.
template <class F>
void parallel_for(Index count, int threads, const F& f) {
    detail::run_parts(count, threads, &f, [](const void* body, Index begin, Index end, int thread) {
        (*static_cast<const F*>(body))(begin, end, thread);
    });
}

}  // namespace tessera::cpu
