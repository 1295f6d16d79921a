// SPDX-License-Identifier: MIT
// The main of the tests that need a GPU. It leaves with 77, "skipped", where there is none.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "tessera/backend/cuda/runtime.cuh"

int main(int argc, char** argv) {
    try {
        tessera::Buffer<float, tessera::cuda::DeviceMemory> probe(1);
    } catch (const tessera::Error& error) {
        std::printf("skipped: %s\n", error.what());
        return 77;
    }
    return doctest::Context(argc, argv).run();
}
