// SPDX-License-Identifier: MIT
// The main of the tests that need a GPU, of compute capability TESSERA_ONLY_ON / 10 where that is
// defined. It leaves with 77, "skipped", where there is none.
#include <doctest/doctest.h>

#include <cstdio>

#include "tessera/backend/cuda/runtime.cuh"

int main(int argc, char** argv) {
    try {
        tessera::Buffer<float, tessera::cuda::DeviceMemory> probe(1);
#ifdef TESSERA_ONLY_ON
        int number = 0;
        cudaDeviceProp device{};
        ::cudaGetDevice(&number);
        ::cudaGetDeviceProperties(&device, number);
        tessera::require(10 * device.major + device.minor == TESSERA_ONLY_ON, device.name,
                         " has compute capability ", device.major, ".", device.minor);
#endif
    } catch (const tessera::Error& error) {
        std::printf("skipped: %s\n", error.what());
        return 77;
    }
    return doctest::Context(argc, argv).run();
}
