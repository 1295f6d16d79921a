// SPDX-License-Identifier: MIT
// Counts every allocation of the process, by defining malloc's family over glibc's own.
#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "net/random_model.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/layer/softmax.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TESSERA_TEST_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TESSERA_TEST_SANITIZED 1
#endif

// A sanitizer brings a malloc of its own.
#if defined(__GLIBC__) && !defined(TESSERA_TEST_SANITIZED)
#define TESSERA_TEST_COUNTS 1

namespace {
std::atomic<long> allocations{0};
}

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t bytes) {
    ++allocations;
    return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
    ++allocations;
    return __libc_calloc(count, bytes);
}
void* realloc(void* data, std::size_t bytes) {
    ++allocations;
    return __libc_realloc(data, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
    ++allocations;
    return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** data, std::size_t alignment, std::size_t bytes) {
    *data = memalign(alignment, bytes);
    return *data ? 0 : ENOMEM;
}
}
#endif

using namespace tessera;

namespace {

/// All layers, large enough for threads to be worth their team.
using Net = Seq<Conv<32, 5, Stride<2>, Pad<0, 2>>, ReLU, Lrn<>, MaxPool<3, Stride<2>, Ceil>,
                Conv<32, 3, Pad<1>, Groups<2>, NoBias>, ReLU, AvgPool<2, Stride<1>>, Conv<24, 3>,
                ReLU, Dropout<20>, Linear<64>, ReLU, Dropout<>, Linear<10>, Softmax>;
using Pooled = Seq<Conv<16, 3>, ReLU, GlobalMaxPool, Linear<4>>;

#ifdef TESSERA_TEST_COUNTS
template <class Pass>
long allocations_in(const Pass& pass) {
    pass();  // the first step may: threads, their buffers
    const long before = allocations;
    for (int step = 0; step < 5; ++step) pass();
    return allocations - before;
}

template <class Model>
void check_loops(int batch) {
    const auto model = test::random_model<Model>();
    const auto in = test::random_numbers(batch * Model::input.size());
    auto resting = model.workspace(batch);
    const View<const float> x{in.data(), batch, Model::input};
    CHECK(allocations_in([&] { model.forward(resting, x); }) == 0);

    auto workspace = model.training_workspace(batch);
    auto gradients = model.gradients();
    CHECK(allocations_in([&] {
              model.forward(workspace, x, {.purpose = Purpose::dropout});
              std::ranges::fill_n(workspace.gradient(Model::depth).data,
                                  workspace.gradient(Model::depth).size(), 1.0f);
              model.backward(workspace, gradients);
          }) == 0);
}
#endif

}  // namespace

TEST_CASE("a pass allocates nothing after the first, in training and at inference") {
#ifdef TESSERA_TEST_COUNTS
    // The counter counts. The compiler may drop what nobody looks at: hence volatile.
    const long before = allocations;
    void* volatile raw = std::malloc(100);
    std::free(raw);
    int* volatile made = new int(1);
    delete made;
    float* volatile aligned = Buffer<float>(3).data();
    static_cast<void>(aligned);
    REQUIRE(allocations - before == 3);

    check_loops<Model<Net, Shape{3, 40, 36}, Cpu>>(1);
    check_loops<Model<Net, Shape{3, 40, 36}, Cpu>>(9);
    check_loops<Model<Pooled, Shape{3, 30, 30}, Cpu>>(16);
#else
    MESSAGE("skipped: this build has no malloc to count");
#endif
}
