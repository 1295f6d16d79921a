// SPDX-License-Identifier: MIT
// Range: positions along one axis, rows or columns.
#pragma once

#include "tessera/core/shape.hpp"

namespace tessera::cpu {

/// begin .. end - 1; empty when end <= begin.
struct Range {
    Index begin = 0;
    Index end = 0;

    constexpr Index length() const { return end - begin; }
    constexpr bool empty() const { return end <= begin; }
};

}  // namespace tessera::cpu
