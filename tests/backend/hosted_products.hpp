// SPDX-License-Identifier: MIT
// The convolutions and linear ops of the CUDA backend as the tests of ops call them: with arrays of
// the host. Inputs are copied to device memory of exactly their size, outputs come back.
#pragma once

#include <type_traits>
#include <vector>

#include "tessera/backend/cuda/conv.cuh"
#include "tessera/backend/cuda/linear.cuh"

namespace tessera::test {

/// An array of the device that holds a copy of the host's; null where there is none.
template <class T>
class Uploaded {
public:
    Uploaded(const T* host, Index count) : memory_(host ? count : 0), there_(host != nullptr) {
        if (there_) cuda::DeviceMemory::upload(memory_.data(), host, bytes());
    }
    T* data() { return there_ ? memory_.data() : nullptr; }
    void download(T* host) {
        if (there_) cuda::DeviceMemory::download(host, memory_.data(), bytes());
    }

private:
    std::size_t bytes() const { return static_cast<std::size_t>(memory_.size()) * sizeof(T); }

    Buffer<T, cuda::DeviceMemory> memory_;
    bool there_;
};

/// Working memory of the device, as large as what the host has for it.
class DeviceScratch {
public:
    explicit DeviceScratch(const Scratch& host)
        : memory_(static_cast<Index>(host.bytes)), threads_(host.threads) {
        // NaN in every type.
        const std::vector<unsigned char> ones(host.bytes, 0xFF);
        cuda::DeviceMemory::upload(memory_.data(), ones.data(), host.bytes);
    }
    operator Scratch() {
        return {memory_.data(), static_cast<std::size_t>(memory_.size()), threads_};
    }

private:
    Buffer<std::byte, cuda::DeviceMemory> memory_;
    int threads_;
};

inline Index input_count(const ConvGeometry& g) { return g.batch * g.input.size(); }
inline Index output_count(const ConvGeometry& g) { return g.batch * g.output.size(); }
inline Index weight_count(const ConvGeometry& g) { return g.groups * g.depth() * g.filters(); }
inline Index bias_count(const ConvGeometry& g) { return g.output.channels; }
inline Index input_count(const LinearGeometry& g) { return g.batch * g.inputs; }
inline Index output_count(const LinearGeometry& g) { return g.batch * g.outputs; }
inline Index weight_count(const LinearGeometry& g) { return g.inputs * g.outputs; }
inline Index bias_count(const LinearGeometry& g) { return g.outputs; }

/// `Op` of the device, called with arrays of the host. Outputs go up as they are: the tests fill
/// them with NaN where the op has to write all of them.
template <class Op>
struct HostedProduct {
    template <class T, class Geometry>
    static std::size_t scratch_bytes(const Geometry& g, int threads) {
        return Op::template scratch_bytes<T>(g, threads);
    }

    template <class T, class Geometry>
    static void forward(const Geometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        auto... rectify) {
        Uploaded<T> inputs(x, input_count(g)), matrix(weights, weight_count(g));
        Uploaded<T> added(bias, bias_count(g)), outputs(y, output_count(g));
        Op::template forward<T>(g, inputs.data(), matrix.data(), added.data(), outputs.data(),
                                DeviceScratch(scratch), rectify...);
        outputs.download(y);
    }

    template <class T, class Geometry>
    static void backward_data(const Geometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        Uploaded<T> matrix(weights, weight_count(g)), gradient(dy, output_count(g));
        Uploaded<T> inputs(dx, input_count(g));
        Op::template backward_data<T>(g, matrix.data(), gradient.data(), inputs.data(),
                                      DeviceScratch(scratch));
        inputs.download(dx);
    }

    template <class T, class Geometry>
    static void backward_parameters(const Geometry& g, const T* x, const T* dy, T* dweights,
                                    std::type_identity_t<T>* dbias, const Scratch& scratch) {
        Uploaded<T> inputs(x, input_count(g)), gradient(dy, output_count(g));
        Uploaded<T> matrix(dweights, weight_count(g)), added(dbias, bias_count(g));
        Op::template backward_parameters<T>(g, inputs.data(), gradient.data(), matrix.data(),
                                            added.data(), DeviceScratch(scratch));
        matrix.download(dweights);
        added.download(dbias);
    }
};

/// What stands in a list of tables beside Cpu: kernels on CUDA cores, and what Cuda takes for float
/// and double.
struct HostedCudaProducts {
    using Memory = HostMemory;
#ifndef __CUDACC__
    static constexpr bool in_software = true;
#endif
    static int threads() { return 1; }
    using Conv = HostedProduct<cuda::PlainConv>;
    using Linear = HostedProduct<cuda::LinearBy<cuda::OwnProduct>>;
};
struct HostedCudaLibrary : HostedCudaProducts {
    using Linear = HostedProduct<cuda::Linear>;
};

}  // namespace tessera::test
