// SPDX-License-Identifier: MIT
// A device that is the processor: the counterpart of device.cuh for tests without a GPU.
#pragma once

#include <cstddef>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

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
        const detail::Access access;
        std::memset(to, static_cast<int>(value), bytes);
    }
    static void copy(void* to, const void* from, std::size_t bytes) {
        const detail::Access access;
        std::memcpy(to, from, bytes);
    }
    static void upload(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }
    static void download(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }
    static void synchronize() {}
};

/// The memory that the threads of a block share, as the Shared of the kernel.
template <class Shared>
Shared& shared_memory() {
    return *reinterpret_cast<Shared*>(simt::Grid::running().shared());
}

/// Runs kernel() as every thread of the grid.
template <class Kernel>
void launch(const char*, dim3 blocks, dim3 threads, const Kernel& kernel) {
    const detail::Access access;
    std::size_t shared = 0;
    if constexpr (requires { typename Kernel::Shared; }) shared = sizeof(typename Kernel::Shared);
    simt::Grid(blocks, threads, shared).run(kernel);
}

}  // namespace tessera::cuda
