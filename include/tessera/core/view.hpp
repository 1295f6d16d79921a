// SPDX-License-Identifier: MIT
// View: a batch of samples somebody else owns.
#pragma once

#include <type_traits>
#include <utility>

#include "tessera/core/buffer.hpp"
#include "tessera/core/shape.hpp"

namespace tessera {

/// A non-owning batch in memory order batch, height, width, channels, without gaps. Where `Memory`
/// is not the host's, to_host() brings the numbers.
template <class T, class Memory = HostMemory>
struct View {
    T* data = nullptr;
    int batch = 0;
    Shape shape{};

    Index size() const { return batch * shape.size(); }
    /// The first element of one sample.
    T* sample(int n) const { return data + n * shape.size(); }
    T& operator[](Index i) const requires Memory::on_host { return data[i]; }
    explicit operator bool() const { return data != nullptr; }

    template <class Constant>
    operator View<Constant, Memory>() const
        requires(std::is_same_v<Constant, const T> && !std::is_const_v<T>) {
        return {data, batch, shape};
    }
};

/// A batch the host can read: a view of another, or of a copy it owns.
template <class T>
class HostBatch : public View<const T> {
public:
    explicit HostBatch(View<const T> view) : View<const T>(view) {}
    HostBatch(Buffer<T> copy, int samples, Shape extent)
        : View<const T>{copy.data(), samples, extent}, copy_(std::move(copy)) {}

private:
    Buffer<T> copy_;
};

/// The numbers of any view on the host: a view of the host's memory stays one, of another it waits
/// for the numbers and copies them.
template <class T, class Memory>
HostBatch<std::remove_const_t<T>> to_host(View<T, Memory> view) {
    using Number = std::remove_const_t<T>;
    if constexpr (Memory::on_host) {
        return HostBatch<Number>(View<const Number>(view));
    } else {
        Buffer<Number> copy(view.size());
        copy_numbers<HostMemory, Memory>(copy.data(), view.data, view.size());
        return HostBatch<Number>(std::move(copy), view.batch, view.shape);
    }
}

}  // namespace tessera
