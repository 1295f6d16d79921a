// SPDX-License-Identifier: MIT
// Division of positions: from the number of a thread to the part of a tensor it works on.
#pragma once

#include "tessera/backend/cuda/runtime.cuh"

namespace tessera::cuda {

struct Divided {
    Index quotient;
    int remainder;
};

/// requires number >= 0 and by > 0. A GPU divides 64 bits by a subroutine, four times as long as
/// the 32 bits that nearly all positions have.
__device__ inline Divided divide(Index number, int by) {
    const unsigned low = static_cast<unsigned>(number), divisor = static_cast<unsigned>(by);
    if (low == number) return {low / divisor, static_cast<int>(low % divisor)};
    return {number / by, static_cast<int>(number % by)};
}

}  // namespace tessera::cuda
