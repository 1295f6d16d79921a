// SPDX-License-Identifier: MIT
// --device and --precision: where a program's network runs, and on what numbers, as types.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <type_traits>

#include "program/networks.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/core/error.hpp"
#if defined(__CUDACC__) || defined(TESSERA_CUDA_ON_CPU)
#include "tessera/cuda.hpp"
#endif

namespace program {

using namespace tessera;

struct Platform {
    std::string device = "cpu", precision = "float";
};

inline void add_platform_options(CLI::App& app, Platform& platform) {
    app.add_option("--device", platform.device,
                   "cpu or cuda: where the network runs; pictures are decoded on the processor")
        ->capture_default_str()
        ->check(CLI::IsMember({"cpu", "cuda"}));
    app.add_option("--precision", platform.precision,
                   "float or bf16, where built in: of what flows through the network; parameters "
                   "are in float")
        ->capture_default_str()
        ->check(CLI::IsMember({"float", "bf16"}));
}

/// body.operator()<Backend, Scalar>(). Throws Error when the program was built without CUDA or for
/// other precisions, or there is no GPU to use.
template <class Body>
auto with_platform(const Platform& platform, const Body& body) {
    return with_precision(platform.precision, [&]<class Scalar>(std::type_identity<Scalar>) {
        if (platform.device == "cpu") return body.template operator()<Cpu, Scalar>();
#if defined(__CUDACC__) || defined(TESSERA_CUDA_ON_CPU)
        Buffer<float, Cuda::Memory> probe(1);
        return body.template operator()<Cuda, Scalar>();
#else
        fail(
            "--device cuda: the program was built without CUDA; configure with -DTESSERA_CUDA=ON, "
            "for which nvcc must be there");
#endif
    });
}

}  // namespace program
