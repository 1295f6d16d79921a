// SPDX-License-Identifier: MIT
// What a pass takes: a batch of the host's, or one that lies where the network runs.
#pragma once

#include <type_traits>

#include "tessera/core/bfloat16.hpp"
#include "tessera/core/view.hpp"

namespace tessera {

/// A batch for a network of elements T in a memory that is not the host's, or of a type that the
/// host does not write: either numbers of the host, which are copied and may be changed at once, or
/// elements in that memory, which must stay in place until the pass back is done.
template <class T, class Memory>
struct AnyInput {
    View<const Master<T>> numbers{};
    View<const T, Memory> elements{};

    AnyInput(const Master<T>* data, int batch, Shape shape) : numbers{data, batch, shape} {}
    AnyInput(View<const Master<T>> view) : numbers(view) {}
    AnyInput(View<Master<T>> view) : numbers(view) {}
    AnyInput(View<const T, Memory> view) : elements(view) {}
    AnyInput(View<T, Memory> view) : elements(view) {}
};

/// The same for any backend: on the host there is nothing to choose.
template <class T, class Memory>
using InputView = std::conditional_t<Memory::on_host && std::is_same_v<T, Master<T>>, View<const T>,
                                     AnyInput<T, Memory>>;

}  // namespace tessera
