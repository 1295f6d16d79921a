// SPDX-License-Identifier: MIT
// View: a batch of samples somebody else owns.
#pragma once

#include <type_traits>

#include "tessera/core/shape.hpp"

namespace tessera {

/// A non-owning batch in memory order batch, height, width, channels, without gaps.
template <class T>
struct View {
    T* data = nullptr;
    int batch = 0;
    Shape shape{};

    Index size() const { return batch * shape.size(); }
    /// The first element of one sample.
    T* sample(int n) const { return data + n * shape.size(); }
    T& operator[](Index i) const { return data[i]; }
    explicit operator bool() const { return data != nullptr; }

    operator View<const T>() const requires(!std::is_const_v<T>) { return {data, batch, shape}; }
};

}  // namespace tessera
