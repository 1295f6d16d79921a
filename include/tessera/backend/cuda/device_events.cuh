// SPDX-License-Identifier: MIT
// The GPU: memory of the host that it reads by itself, and queues that wait for each other, by the
// CUDA runtime.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "tessera/backend/cuda/device.cuh"
#include "tessera/core/buffer.hpp"

namespace tessera::cuda {

/// Memory of the host whose pages stay where they are. A copy between it and the device runs
/// beside the program, so it may be neither changed nor released before the copy is done: an Event
/// tells.
struct PinnedMemory : HostMemory {
    /// Throws Error, saying how much was asked for.
    static void* allocate(std::size_t bytes) {
        void* data = nullptr;
        const cudaError_t status = ::cudaMallocHost(&data, bytes);
        if (status == cudaErrorMemoryAllocation) {
            ::cudaGetLastError();
            fail("CUDA: found no room to pin ", bytes >> 20, " MiB of the host's memory");
        }
        detail::check(status, "cudaMallocHost");
        return data;
    }
    static void release(void* data) { ::cudaFreeHost(data); }
};

/// A mark in the work of the device.
class Event {
public:
    Event() {
        detail::check(::cudaEventCreateWithFlags(&event_, cudaEventDisableTiming),
                      "cudaEventCreate");
    }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() { ::cudaEventDestroy(event_); }

    /// Marks what the calling thread has asked for so far; an earlier mark is forgotten.
    void record() { detail::check(::cudaEventRecord(event_, detail::stream()), "cudaEventRecord"); }
    /// What the calling thread asks for from now on is done after what the mark is of. The thread
    /// itself does not wait.
    void hold() const {
        detail::check(::cudaStreamWaitEvent(detail::stream(), event_, 0), "cudaStreamWaitEvent");
    }
    /// Returns when the work before the mark is done; at once where there is no mark. Throws Error
    /// when any of it failed.
    void wait() const { detail::check(::cudaEventSynchronize(event_), "cudaEventSynchronize"); }

private:
    friend class SideStream;
    cudaEvent_t event_ = nullptr;
};

/// A queue of copies that run beside the work of all threads.
class SideStream {
public:
    SideStream() {
        detail::check(::cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking),
                      "cudaStreamCreate");
    }
    SideStream(const SideStream&) = delete;
    SideStream& operator=(const SideStream&) = delete;
    /// Waits until all is done.
    ~SideStream() {
        ::cudaStreamSynchronize(stream_);
        ::cudaStreamDestroy(stream_);
    }

    /// From pinned memory of the host to the device.
    void upload(void* to, const void* from, std::size_t bytes) {
        detail::check(::cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_),
                      "cudaMemcpyAsync");
    }
    /// From the device to pinned memory of the host.
    void download(void* to, const void* from, std::size_t bytes) {
        detail::check(::cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_),
                      "cudaMemcpyAsync");
    }
    /// As of Event, for this queue instead of the calling thread's.
    void record(Event& event) {
        detail::check(::cudaEventRecord(event.event_, stream_), "cudaEventRecord");
    }
    void hold(const Event& event) {
        detail::check(::cudaStreamWaitEvent(stream_, event.event_, 0), "cudaStreamWaitEvent");
    }

private:
    cudaStream_t stream_ = nullptr;
};

}  // namespace tessera::cuda
