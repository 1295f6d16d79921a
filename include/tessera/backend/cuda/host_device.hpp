// SPDX-License-Identifier: MIT
// A device that is the processor: the counterpart of device.cuh for tests without a GPU.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <map>
#include <mutex>
#include <type_traits>

#include "tessera/backend/cuda/requests.hpp"
#include "tessera/backend/cuda/simt.hpp"
#include "tessera/core/buffer.hpp"

#ifdef TESSERA_SIMT_ADDRESSES
#include <sanitizer/asan_interface.h>
#endif

namespace tessera::cuda {

namespace detail {

/// Device memory is not the host's: under address sanitizer it can be touched within an Access
/// only, that is by kernels and copies.
class Access {
public:
    Access() { change(+1); }
    ~Access() { change(-1); }
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;

    static void add([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#ifdef TESSERA_SIMT_ADDRESSES
        const std::lock_guard lock(mutex());
        blocks()[data] = bytes;
        if (open() == 0) __asan_poison_memory_region(data, bytes);
#endif
    }
    static void remove([[maybe_unused]] void* data) {
#ifdef TESSERA_SIMT_ADDRESSES
        const std::lock_guard lock(mutex());
        __asan_unpoison_memory_region(data, blocks()[data]);
        blocks().erase(data);
#endif
    }

private:
    static void change([[maybe_unused]] int by) {
#ifdef TESSERA_SIMT_ADDRESSES
        const std::lock_guard lock(mutex());
        const int before = open();
        open() += by;
        if (before > 0 && open() > 0) return;
        for (const auto& [data, bytes] : blocks()) {
            if (open() > 0) {
                __asan_unpoison_memory_region(data, bytes);
            } else {
                __asan_poison_memory_region(data, bytes);
            }
        }
#endif
    }
#ifdef TESSERA_SIMT_ADDRESSES
    static std::mutex& mutex() {
        static std::mutex own;
        return own;
    }
    static std::map<void*, std::size_t>& blocks() {
        static std::map<void*, std::size_t> own;
        return own;
    }
    static int& open() {
        static int own = 0;
        return own;
    }
#endif
};

using Play = void (*)(const Request&);

inline void play(const Request& request) {
    const Access access;
    if (request.kind == Request::Kind::kernel) {
        return reinterpret_cast<Play>(request.function)(request);
    }
    const auto* numbers = static_cast<const Index*>(request.numbers);
    auto* to = reinterpret_cast<void*>(numbers[0]);
    const auto bytes = static_cast<std::size_t>(numbers[2]);
    if (request.kind == Request::Kind::fill) {
        std::memset(to, static_cast<int>(numbers[1]), bytes);
    } else if (bytes > 0) {
        std::memcpy(to, reinterpret_cast<const void*>(numbers[1]), bytes);
    }
}

/// Does the work at once, unless who listens says otherwise.
inline void ask(const Request& request) {
    if (!listener || listener->hear(request)) play(request);
}

}  // namespace detail

/// As DeviceMemory of device.cuh.
struct DeviceMemory {
    static constexpr bool on_host = false;

    static void* allocate(std::size_t bytes) {
        void* data = HostMemory::allocate(bytes);
        detail::Access::add(data, bytes);
        return data;
    }
    static void release(void* data) {
        detail::Access::remove(data);
        HostMemory::release(data);
    }
    static void fill(void* to, std::byte value, std::size_t bytes) {
        detail::ask(
            {detail::Request::Kind::fill,
             std::array{detail::number(to), static_cast<Index>(value), static_cast<Index>(bytes)}});
    }
    static void copy(void* to, const void* from, std::size_t bytes) {
        detail::ask(
            {detail::Request::Kind::copy,
             std::array{detail::number(to), detail::number(from), static_cast<Index>(bytes)}});
    }
    static void upload(void* to, const void* from, std::size_t bytes) {
        if (detail::listener) return detail::listener->upload(to, from, bytes);
        copy(to, from, bytes);
    }
    static void download(void* to, const void* from, std::size_t bytes) {
        synchronize();
        copy(to, from, bytes);
    }
    static void synchronize() { detail::about_to_wait(); }
};

/// The memory that the threads of a block share, as the Shared of the kernel.
template <class Shared>
Shared& shared_memory() {
    return *reinterpret_cast<Shared*>(simt::Grid::running().shared());
}

/// Runs kernel() as every thread of the grid.
template <class Kernel>
void launch(const char*, dim3 blocks, dim3 threads, const Kernel& kernel) {
    static_assert(std::is_trivially_copyable_v<Kernel>);
    if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0) return;
    unsigned shared = 0;
    if constexpr (requires { typename Kernel::Shared; }) shared = sizeof(typename Kernel::Shared);
    const Kernel own = detail::without_padding(kernel);
    detail::Request request;
    request.function = reinterpret_cast<void (*)()>(detail::Play{[](const detail::Request& asked) {
        const auto& grid = asked.grid;
        simt::Grid({grid[0], grid[1], grid[2]}, {grid[3], grid[4], grid[5]}, grid[6])
            .run(*static_cast<const Kernel*>(asked.numbers));
    }});
    request.grid = {blocks.x, blocks.y, blocks.z, threads.x, threads.y, threads.z, shared};
    request.numbers = &own;
    request.bytes = sizeof own;
    detail::ask(request);
}

}  // namespace tessera::cuda
