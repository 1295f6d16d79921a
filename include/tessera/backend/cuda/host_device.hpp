// SPDX-License-Identifier: MIT
// A device that is the processor: the counterpart of device.cuh for tests without a GPU.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

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

/// Does work at once, or puts it into the recording that the calling thread makes.
class Queue {
public:
    using Recording = std::vector<std::function<void()>>;

    template <class Work>
    static void add(const Work& work) {
        if (recording) {
            recording->push_back(work);
        } else {
            const Access access;
            work();
        }
    }
    inline static thread_local Recording* recording = nullptr;
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
        detail::Queue::add([=] { std::memset(to, static_cast<int>(value), bytes); });
    }
    static void copy(void* to, const void* from, std::size_t bytes) {
        if (bytes == 0) return;
        detail::Queue::add([=] { std::memcpy(to, from, bytes); });
    }
    static void upload(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }
    static void download(void* to, const void* from, std::size_t bytes) {
        synchronize();
        copy(to, from, bytes);
    }
    static void synchronize() {
        require(!detail::Queue::recording, "CUDA: a recording cannot wait for results");
    }
};

/// The memory that the threads of a block share, as the Shared of the kernel.
template <class Shared>
Shared& shared_memory() {
    return *reinterpret_cast<Shared*>(simt::Grid::running().shared());
}

/// Runs kernel() as every thread of the grid.
template <class Kernel>
void launch(const char*, dim3 blocks, dim3 threads, const Kernel& kernel) {
    std::size_t shared = 0;
    if constexpr (requires { typename Kernel::Shared; }) shared = sizeof(typename Kernel::Shared);
    detail::Queue::add([=] { simt::Grid(blocks, threads, shared).run(kernel); });
}

/// As Graph of device.cuh.
class Graph {
public:
    template <class Body>
    void record(const Body& body) {
        detail::Queue::Recording made;
        struct End {
            ~End() { detail::Queue::recording = nullptr; }
        } end;
        detail::Queue::recording = &made;
        body();
        recorded_ = std::move(made);
    }
    void replay() {
        require(!recorded_.empty(), "CUDA: nothing was recorded");
        const detail::Access access;
        for (const auto& work : recorded_) work();
    }

private:
    detail::Queue::Recording recorded_;
};

}  // namespace tessera::cuda
