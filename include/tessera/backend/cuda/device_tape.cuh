// SPDX-License-Identifier: MIT
// What a Graph has recorded, as a graph of the CUDA runtime.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "tessera/backend/cuda/device.cuh"

namespace tessera::cuda::detail {

/// The work of one call of record(), as the device repeats it.
class Tape {
public:
    Tape() = default;
    Tape(Tape&& other) noexcept { swap(other); }
    Tape& operator=(Tape&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Tape() {
        if (ready_) ::cudaGraphExecDestroy(ready_);
        if (graph_) ::cudaGraphDestroy(graph_);
    }

    /// Calls body(), whose work is not done now. For a tape that holds nothing.
    void record(const Work& body) {
        // Relaxed: what is made at first need, such as a handle of cuBLAS, may be made now.
        check(::cudaStreamBeginCapture(stream(), cudaStreamCaptureModeRelaxed),
              "cudaStreamBeginCapture");
        try {
            body();
        } catch (...) {
            ::cudaStreamEndCapture(stream(), &graph_);
            ::cudaGetLastError();
            throw;
        }
        check(::cudaStreamEndCapture(stream(), &graph_), "cudaStreamEndCapture");
        check(::cudaGraphInstantiate(&ready_, graph_, 0), "cudaGraphInstantiate");
    }
    /// Whether a request is to be carried out while it is recorded: capturing is that.
    bool take(const Request&) { return true; }
    void done(const Request& request) {
        nodes_.push_back(request.kind == Request::Kind::kernel ? newest_node() : nullptr);
    }

    /// Gives the i-th request, a kernel's, other numbers from the next replay on; those under way
    /// keep theirs.
    void change(std::size_t i, const Request& request) {
        void* arguments[] = {const_cast<void*>(request.numbers)};
        const auto& grid = request.grid;
        cudaKernelNodeParams numbers{};
        numbers.func = reinterpret_cast<void*>(request.function);
        numbers.gridDim = {grid[0], grid[1], grid[2]};
        numbers.blockDim = {grid[3], grid[4], grid[5]};
        numbers.sharedMemBytes = grid[6];
        numbers.kernelParams = arguments;
        check(::cudaGraphExecKernelNodeSetParams(ready_, nodes_[i], &numbers),
              "cudaGraphExecKernelNodeSetParams");
    }
    void replay() { check(::cudaGraphLaunch(ready_, stream()), "cudaGraphLaunch"); }

private:
    /// What the stream being captured has asked for last.
    static cudaGraphNode_t newest_node() {
        cudaStreamCaptureStatus status{};
        const cudaGraphNode_t* nodes = nullptr;
        std::size_t count = 0;
#if CUDART_VERSION >= 13000
        check(::cudaStreamGetCaptureInfo(stream(), &status, nullptr, nullptr, &nodes, nullptr,
                                         &count),
              "cudaStreamGetCaptureInfo");
#else
        check(::cudaStreamGetCaptureInfo_v2(stream(), &status, nullptr, nullptr, &nodes, &count),
              "cudaStreamGetCaptureInfo");
#endif
        require(count == 1, "CUDA: a kernel is ", count, " nodes of a recording, expected 1");
        return nodes[0];
    }
    void swap(Tape& other) {
        std::swap(graph_, other.graph_);
        std::swap(ready_, other.ready_);
        std::swap(nodes_, other.nodes_);
    }

    cudaGraph_t graph_ = nullptr;      // whose nodes name those of
    cudaGraphExec_t ready_ = nullptr;  // what is replayed
    std::vector<cudaGraphNode_t> nodes_;
};

}  // namespace tessera::cuda::detail
