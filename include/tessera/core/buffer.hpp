// SPDX-License-Identifier: MIT
// Buffer: owned, aligned, uninitialised memory for plain numbers, the host's or a device's.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
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

namespace detail {

/// Asks for pages of 2 MB where the system has them for those who ask: processors then look up the
/// addresses of 151 MB of weights 512 times less often. Memory that has been written keeps the
/// pages it has.
inline void ask_for_large_pages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#ifdef MADV_HUGEPAGE
    constexpr std::uintptr_t page = 1 << 21, least = 2 * page;
    if (bytes < least) return;
    const auto address = reinterpret_cast<std::uintptr_t>(data);
    const std::uintptr_t first = (address + page - 1) / page * page;
    const std::uintptr_t last = (address + bytes) / page * page;
    ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

}  // namespace detail

/// Memory of the host. A backend with memory of its own offers the same functions; work on it goes
/// to the calling thread's queue, and only download() and synchronize() wait.
struct HostMemory {
    static constexpr bool on_host = true;

    static void* allocate(std::size_t bytes) {
        void* data = ::operator new (bytes, std::align_val_t{alignment});
        detail::ask_for_large_pages(data, bytes);
        return data;
    }
    static void release(void* data) { ::operator delete (data, std::align_val_t{alignment}); }
    static void fill(void* to, std::byte value, std::size_t bytes) {
        std::memset(to, static_cast<int>(value), bytes);
    }
    /// Within this memory; from the host's memory into it; from it into the host's.
    static void copy(void* to, const void* from, std::size_t bytes) {
        if (bytes > 0) std::memcpy(to, from, bytes);
    }
    static void upload(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }
    static void download(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }
    /// Until all that the calling thread began is done.
    static void synchronize() {}
};

/// Copies `count` numbers from one memory to another.
template <class To, class From, class T>
void copy_numbers(T* to, const T* from, Index count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    if constexpr (To::on_host) {
        From::download(to, from, bytes);
    } else if constexpr (From::on_host) {
        To::upload(to, from, bytes);
    } else {
        To::copy(to, from, bytes);
    }
}

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

/// Numbers of any memory for the host to work on: themselves where the host reaches them, else a
/// copy, which store() writes back.
template <class T, class Memory>
class HostArray {
    using Number = std::remove_const_t<T>;

public:
    HostArray(T* data, Index size) : data_(data), size_(size) {
        if constexpr (!Memory::on_host) {
            copy_ = Buffer<Number>(size);
            copy_numbers<HostMemory, Memory>(copy_.data(), data, size);
        }
    }
    std::span<T> span() & {
        T* numbers = data_;
        if constexpr (!Memory::on_host) numbers = copy_.data();
        return {numbers, static_cast<std::size_t>(size_)};
    }
    void store() requires(!std::is_const_v<T>) {
        if constexpr (!Memory::on_host) {
            copy_numbers<Memory, HostMemory>(data_, copy_.data(), size_);
            Memory::synchronize();
        }
    }

private:
    T* data_;
    Index size_;
    Buffer<Number> copy_;
};

}  // namespace tessera
