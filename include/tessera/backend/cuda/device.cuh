// SPDX-License-Identifier: MIT
// The GPU: memory, copies, launches and errors by the CUDA runtime.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <string>
#include <type_traits>

#include "tessera/backend/cuda/requests.hpp"
#include "tessera/core/error.hpp"

namespace tessera::cuda {

namespace detail {

inline std::string version_text(int version) {
    return text(version / 1000, ".", version % 1000 / 10);
}

/// What a person should know beyond the runtime's own sentence.
inline std::string explain(cudaError_t error) {
    if (error == cudaErrorInsufficientDriver) {
        int driver = 0, runtime = 0;
        ::cudaDriverGetVersion(&driver);
        ::cudaRuntimeGetVersion(&runtime);
        if (driver == 0) return ": there is no driver for an NVIDIA GPU";
        return text(": the driver knows CUDA ", version_text(driver),
                    ", the program was built with ", version_text(runtime));
    }
    if (error == cudaErrorNoKernelImageForDevice) {
        cudaDeviceProp device{};
        int number = 0;
        ::cudaGetDevice(&number);
        ::cudaGetDeviceProperties(&device, number);
        return text(": the program was not built for ", device.name, ", compute capability ",
                    device.major, ".", device.minor, " (CMAKE_CUDA_ARCHITECTURES, or nvcc -arch)");
    }
    return "";
}

/// The calling thread's last launch. A kernel that fails is found out later, by a call that waits.
struct Launch {
    const char* name = nullptr;
    dim3 blocks, threads;

    std::string words() const {
        return text(name, ", ", blocks.x, " x ", blocks.y, " x ", blocks.z, " blocks of ",
                    threads.x * threads.y * threads.z, " threads");
    }
};
inline Launch& last_launch() {
    thread_local Launch launch;
    return launch;
}

/// Throws Error for a status other than success. `call` says what was being done.
inline void check(cudaError_t status, const char* call) {
    if (status == cudaSuccess) return;
    ::cudaGetLastError();  // forgets it, unless it is one that stays
    fail("CUDA: ", call, ": ", ::cudaGetErrorString(status), explain(status));
}

/// The calling thread's own stream.
inline cudaStream_t stream() { return cudaStreamPerThread; }

/// Carries a request out by work(), unless who listens says otherwise.
template <class Work>
void ask(const Request& request, const Work& work) {
    if (!listener) return work();
    if (!listener->hear(request)) return;
    work();
    listener->done(request);
}

}  // namespace detail

/// Memory of the current device. Contents are undefined until written.
struct DeviceMemory {
    static constexpr bool on_host = false;

    /// Throws Error, saying how much was asked for and how much is free.
    static void* allocate(std::size_t bytes) {
        void* data = nullptr;
        const cudaError_t status = ::cudaMalloc(&data, bytes);
        if (status == cudaErrorMemoryAllocation) {
            ::cudaGetLastError();
            std::size_t free = 0, total = 0;
            detail::check(::cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
            fail("CUDA: found ", free >> 20, " MiB of device memory free, expected ", bytes >> 20,
                 " MiB (the device has ", total >> 20, " MiB): take a smaller batch");
        }
        detail::check(status, "cudaMalloc");
        return data;
    }
    static void release(void* data) { ::cudaFree(data); }

    static void fill(void* to, std::byte value, std::size_t bytes) {
        const std::array numbers{detail::number(to), static_cast<Index>(value),
                                 static_cast<Index>(bytes)};
        detail::ask({detail::Request::Kind::fill, numbers}, [&] {
            detail::check(::cudaMemsetAsync(to, static_cast<int>(value), bytes, detail::stream()),
                          "cudaMemsetAsync");
        });
    }
    static void copy(void* to, const void* from, std::size_t bytes) {
        const std::array numbers{detail::number(to), detail::number(from),
                                 static_cast<Index>(bytes)};
        detail::ask({detail::Request::Kind::copy, numbers},
                    [&] { move(to, from, bytes, cudaMemcpyDeviceToDevice); });
    }
    /// From the host; memory that is not pinned may be changed as soon as this returns.
    static void upload(void* to, const void* from, std::size_t bytes) {
        if (detail::listener) return detail::listener->upload(to, from, bytes);
        move(to, from, bytes, cudaMemcpyHostToDevice);
    }
    /// To the host; waits.
    static void download(void* to, const void* from, std::size_t bytes) {
        detail::about_to_wait();
        move(to, from, bytes, cudaMemcpyDeviceToHost);
        synchronize();
    }
    /// Waits until the calling thread's work is done. Throws Error when any of it failed.
    static void synchronize() {
        detail::about_to_wait();
        const cudaError_t status = ::cudaStreamSynchronize(detail::stream());
        if (status == cudaSuccess) return;
        const detail::Launch& last = detail::last_launch();
        const std::string call =
            last.name ? text("a kernel failed, the last one launched was ", last.words())
                      : "cudaStreamSynchronize";
        detail::check(status, call.c_str());
    }

private:
    static void move(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
        detail::check(::cudaMemcpyAsync(to, from, bytes, kind, detail::stream()),
                      "cudaMemcpyAsync");
    }
};

namespace detail {
template <class Kernel>
constexpr int most_threads() {
    if constexpr (requires { Kernel::threads; }) {
        return Kernel::threads;
    } else {
        return 1024;
    }
}
template <class Kernel>
__global__ void __launch_bounds__(most_threads<Kernel>()) run(const Kernel kernel) {
    kernel();
}
template <class Kernel>
constexpr std::size_t shared_bytes() {
    if constexpr (requires { typename Kernel::Shared; }) {
        return sizeof(typename Kernel::Shared);
    } else {
        return 0;
    }
}

/// What launch() below does for every kernel alike: in a template of its own each kernel would cost
/// the compiler 1 kB of code for the host.
inline void launch(const char* name, const Request& request) {
    const auto& grid = request.grid;
    const dim3 blocks(grid[0], grid[1], grid[2]), threads(grid[3], grid[4], grid[5]);
    if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0) return;  // nothing to do is no error here
    ask(request, [&] {
        const auto* function = reinterpret_cast<const void*>(request.function);
        void* arguments[] = {const_cast<void*>(request.numbers)};
        const unsigned shared = grid[6];
        if (shared > 48 * 1024) {
            check(::cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         static_cast<int>(shared)),
                  name);
        }
        const cudaError_t status =
            ::cudaLaunchKernel(function, blocks, threads, arguments, shared, stream());
        last_launch() = {name, blocks, threads};
        if (status != cudaSuccess) check(status, last_launch().words().c_str());
    });
}
}  // namespace detail

/// The memory that the threads of a block share, as the Shared of the kernel. It begins at a
/// multiple of 1024 bytes, where tensor cores want matrices to begin (wgmma.cuh).
template <class Shared>
__device__ Shared& shared_memory() {
    extern __shared__ __align__(1024) unsigned char bytes[];
    return *reinterpret_cast<Shared*>(bytes);
}

/// Runs kernel() as every thread of the grid. A kernel is a struct whose members are its arguments;
/// its type Shared, if any, is the shared memory of a block, and its constant `threads`, if any,
/// the most threads of a block, for the compiler's choice of registers. Throws Error, with `name`,
/// when the launch fails or an earlier kernel has failed.
template <class Kernel>
void launch(const char* name, dim3 blocks, dim3 threads, const Kernel& kernel) {
    static_assert(std::is_trivially_copyable_v<Kernel>);
    constexpr std::size_t shared = detail::shared_bytes<Kernel>();
    const Kernel own = detail::without_padding(kernel);
    detail::Request request;
    request.function = reinterpret_cast<void (*)()>(detail::run<Kernel>);
    request.grid = {blocks.x, blocks.y, blocks.z, threads.x, threads.y, threads.z, shared};
    request.numbers = &own;
    request.bytes = sizeof own;
    detail::launch(name, request);
}

}  // namespace tessera::cuda
