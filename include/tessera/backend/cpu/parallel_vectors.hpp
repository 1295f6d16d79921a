// SPDX-License-Identifier: MIT
// parallel_vectors: loops that all threads share, each part with the processor's vectors.
#pragma once

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/core/with_instructions.hpp"

namespace tessera::cpu {

/// parallel_for with f(begin, end), or f(bytes, begin, end), as with_instructions calls them.
template <class F>
void parallel_vectors(Index count, int threads, const F& f) {
    parallel_for(count, threads, [&](Index begin, Index end, int) {  //
        with_instructions(f, begin, end);
    });
}

}  // namespace tessera::cpu
