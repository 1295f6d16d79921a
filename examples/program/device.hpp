// SPDX-License-Identifier: MIT
// --device: where a program's network runs, as a type.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <type_traits>

#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/core/error.hpp"
#if defined(__CUDACC__) || defined(TESSERA_CUDA_ON_CPU)
#include "tessera/cuda.hpp"
#endif

namespace program {

using namespace tessera;

inline void add_device_option(CLI::App& app, std::string& device) {
    app.add_option("--device", device,
                   "cpu or cuda: where the network runs; pictures are decoded on the processor")
        ->capture_default_str()
        ->check(CLI::IsMember({"cpu", "cuda"}));
}

/// body(std::type_identity<Backend>{}). Throws Error when the program was built without CUDA, or
/// there is no GPU to use.
template <class Body>
auto with_device(const std::string& device, const Body& body) {
    if (device == "cpu") return body(std::type_identity<Cpu>{});
#if defined(__CUDACC__) || defined(TESSERA_CUDA_ON_CPU)
    Buffer<float, Cuda::Memory> probe(1);
    return body(std::type_identity<Cuda>{});
#else
    fail(
        "--device cuda: the program was built without CUDA; configure with -DTESSERA_CUDA=ON, for "
        "which nvcc must be there");
#endif
}

}  // namespace program
