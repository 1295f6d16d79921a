// SPDX-License-Identifier: MIT
// The convolutions and linear ops of the CUDA backend as the tests of ops call them: with arrays of
// the host. Inputs are copied to device memory of exactly their size, outputs come back.
#pragma once

#include <type_traits>

#include "device_arrays.hpp"
#include "tessera/backend/cuda/conv.cuh"
#include "tessera/backend/cuda/linear.cuh"

namespace tessera::test {

inline Index input_count(const ConvGeometry& g) { return g.batch * g.input.size(); }
inline Index output_count(const ConvGeometry& g) { return g.batch * g.output.size(); }
inline Index weight_count(const ConvGeometry& g) { return g.groups * g.depth() * g.filters(); }
inline Index bias_count(const ConvGeometry& g) { return g.output.channels; }
inline Index input_count(const LinearGeometry& g) { return g.batch * g.inputs; }
inline Index output_count(const LinearGeometry& g) { return g.batch * g.outputs; }
inline Index weight_count(const LinearGeometry& g) { return g.inputs * g.outputs; }
inline Index bias_count(const LinearGeometry& g) { return g.outputs; }

/// `Op` of the device, called with arrays of the host.
template <class Op>
struct HostedProduct {
    template <class T, class Geometry>
    static std::size_t scratch_bytes(const Geometry& g, int threads) {
        return Op::template scratch_bytes<T>(g, threads);
    }

    template <class T, class Geometry>
    static void forward(const Geometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify = false) {
        DeviceArrays<0> there;
        Op::template forward<T>(g, there.read(x, input_count(g)),
                                there.read(weights, weight_count(g)),
                                there.read(bias, bias_count(g)), there.write(y, output_count(g)),
                                there.scratch(scratch), rectify);
        there.download();
    }

    template <class T, class Geometry>
    static void backward_data(const Geometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch) {
        DeviceArrays<0> there;
        Op::template backward_data<T>(g, there.read(weights, weight_count(g)),
                                      there.read(dy, output_count(g)),
                                      there.write(dx, input_count(g)), there.scratch(scratch));
        there.download();
    }

    template <class T, class Geometry>
    static void backward_parameters(const Geometry& g, const T* x, const T* dy, T* dweights,
                                    std::type_identity_t<T>* dbias, const Scratch& scratch) {
        DeviceArrays<0> there;
        Op::template backward_parameters<T>(
            g, there.read(x, input_count(g)), there.read(dy, output_count(g)),
            there.change(dweights, weight_count(g)), there.change(dbias, bias_count(g)),
            there.scratch(scratch));
        there.download();
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
