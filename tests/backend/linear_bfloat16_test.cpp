// SPDX-License-Identifier: MIT
// The linear op of the CUDA backend by both of its products, with numbers stored in float and in
// bfloat16, whose gradients of parameters are float.
#include <doctest/doctest.h>

#include "hosted_cuda.hpp"
#include "oracle.hpp"
#include "tessera/backend/cuda/linear.cuh"
#include "tessera/backend/reference/reference.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

/// Arrays of T begin `Late` elements after a multiple of 16 bytes.
template <class Product, class T, int Late>
struct Way {
    using Op = cuda::LinearBy<Product>;
    using Stored = T;
    using Arrays = CudaOfHost<Late>;
};

template <class Way>
void check_linear(const LinearGeometry& g, Random& random) {
    using T = typename Way::Stored;
    using Op = typename Way::Op;
    using Arrays = typename Way::Arrays;
    CAPTURE(text(g.batch, " of ", g.inputs, " to ", g.outputs));
    const Index inputs = g.batch * g.inputs, outputs = g.batch * g.outputs;
    const Index count = g.inputs * g.outputs;
    const auto x = random_values<T>(random, inputs), weights = random_values<T>(random, count);
    const auto bias = random_values<T>(random, g.outputs), dy = random_values<T>(random, outputs);
    const auto bytes = static_cast<Index>(Op::template scratch_bytes<T>(g, 1));
    Buffer<std::byte, cuda::DeviceMemory> memory(bytes);
    const Scratch scratch{memory.data(), static_cast<std::size_t>(bytes), 1};
    cuda::DeviceMemory::fill(memory.data(), std::byte{0xFF}, scratch.bytes);

    for (const T* added : {bias.data(), static_cast<const T*>(nullptr)}) {
        auto y = unwritten<T>(outputs);
        Values expected(y.size());
        Arrays::call([&](auto& d) {
            Op::forward(g, d.read(x.data(), inputs), d.read(weights.data(), count),
                        d.read(added, g.outputs), d.write(y.data(), outputs), scratch);
        });
        reference::Linear::forward(g, widened(x).data(), widened(weights).data(),
                                   added ? widened(bias).data() : nullptr, expected.data(), {});
        CHECK(difference(y, expected) < tolerance);
    }

    auto dx = unwritten<T>(inputs);
    Values expected_dx(dx.size());
    Arrays::call([&](auto& d) {
        Op::backward_data(g, d.read(weights.data(), count), d.read(dy.data(), outputs),
                          d.write(dx.data(), inputs), scratch);
    });
    reference::Linear::backward_data(g, widened(weights).data(), widened(dy).data(),
                                     expected_dx.data(), {});
    CHECK(difference(dx, expected_dx) < tolerance);
    Op::backward_data(g, weights.data(), dy.data(), static_cast<T*>(nullptr), scratch);

    auto dweights = random_values<float>(random, count);
    auto dbias = random_values<float>(random, g.outputs);
    Values expected_dweights = widened(dweights), expected_dbias = widened(dbias);
    for (const bool biased : {true, false}) {
        Arrays::call([&](auto& d) {
            float* wanted = biased ? d.change(dbias.data(), g.outputs) : nullptr;
            Op::backward_parameters(g, d.read(x.data(), inputs), d.read(dy.data(), outputs),
                                    d.change(dweights.data(), count), wanted, scratch);
        });
        reference::Linear::backward_parameters(g, widened(x).data(), widened(dy).data(),
                                               expected_dweights.data(),
                                               biased ? expected_dbias.data() : nullptr, {});
    }
    CHECK(difference(dweights, expected_dweights) < tolerance);
    CHECK(difference(dbias, expected_dbias) < tolerance);
}

}  // namespace

using cuda::LibraryProduct;
using cuda::OwnProduct;
TEST_CASE_TEMPLATE("the linear op on CUDA agrees with the reference, in bfloat16 too", Case,
                   Way<LibraryProduct<>, float, 0>, Way<LibraryProduct<>, Bf16, 0>,
                   Way<LibraryProduct<>, Bf16, 1>, Way<OwnProduct, float, 0>,
                   Way<OwnProduct, Bf16, 0>, Way<OwnProduct, Bf16, 1>) {
    Random random({.seed = 1});
    // Whole packs, one number more, sums in slices, a deep sum of few rows, many rows.
    for (const LinearGeometry& g :
         {LinearGeometry{8, 64, 32}, LinearGeometry{7, 65, 21}, LinearGeometry{1, 1, 1},
          LinearGeometry{33, 900, 200}, LinearGeometry{2, 1500, 72}, LinearGeometry{300, 40, 24}}) {
        check_linear<Case>(g, random);
    }
    for (int round = 0; round < 6; ++round) {
        check_linear<Case>({random_batch(random), between(random, 1, 200), between(random, 1, 200)},
                           random);
    }
}
