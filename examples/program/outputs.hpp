// SPDX-License-Identifier: MIT
// What a network says, as the programs keep it.
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include "tessera/core/view.hpp"

namespace program {

using namespace tessera;

/// Outputs as floats of the host.
template <class T, class Memory>
HostBatch<float> to_floats(View<T, Memory> outputs) {
    auto numbers = to_host(outputs);
    if constexpr (std::is_same_v<std::remove_const_t<T>, float>) {
        return numbers;
    } else {
        Buffer<float> floats(numbers.size());
        std::copy_n(numbers.data, numbers.size(), floats.data());
        return {std::move(floats), numbers.batch, numbers.shape};
    }
}

}  // namespace program
