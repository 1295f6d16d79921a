// SPDX-License-Identifier: MIT
// Buffer: owned, aligned, uninitialised memory for plain numbers.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "tessera/core/shape.hpp"

namespace tessera {

/// Every block of the library begins on such a boundary: one cache line, one AVX-512 register.
inline constexpr std::size_t alignment = 64;

/// `bytes` rounded up to the alignment.
constexpr Index aligned(Index bytes) {
    constexpr Index unit = alignment;
    return (bytes + unit - 1) / unit * unit;
}

/// Memory of the host. A backend with its own memory offers the same two functions.
struct HostMemory {
    static void* allocate(std::size_t bytes) {
        return ::operator new (bytes, std::align_val_t{alignment});
    }
    static void release(void* data) { ::operator delete (data, std::align_val_t{alignment}); }
};

/// Move-only, uninitialised, aligned.
template <class T, class Memory = HostMemory>
class Buffer {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    Buffer() = default;
    explicit Buffer(Index size)
        : data_(static_cast<T*>(Memory::allocate(static_cast<std::size_t>(size) * sizeof(T)))),
          size_(size) {}
    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Buffer() {
        if (data_) Memory::release(data_);
    }

    T* data() { return data_; }
    const T* data() const { return data_; }
    Index size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T& operator[](Index i) { return data_[i]; }
    const T& operator[](Index i) const { return data_[i]; }
    T* begin() { return data_; }
    T* end() { return data_ + size_; }
    const T* begin() const { return data_; }
    const T* end() const { return data_ + size_; }
    std::span<T> span() { return {data_, static_cast<std::size_t>(size_)}; }
    std::span<const T> span() const { return {data_, static_cast<std::size_t>(size_)}; }

private:
    T* data_ = nullptr;
    Index size_ = 0;
};

}  // namespace tessera
