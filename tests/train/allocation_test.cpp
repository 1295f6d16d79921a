// SPDX-License-Identifier: MIT
// A training step allocates nothing after the first. Counts every allocation of the process, by
// defining malloc's family over glibc's own.
#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/softmax.hpp"
#include "train/toy.hpp"

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
using namespace tessera::test;

namespace {

/// All layers, large enough for threads to be worth their team.
using Net = Seq<Conv<32, 5, Stride<2>, Pad<0, 2>>, ReLU, Lrn<>, MaxPool<3, Stride<2>, Ceil>,
                Conv<32, 3, Pad<1>, Groups<2>, NoBias>, ReLU, AvgPool<2, Stride<1>>, Conv<24, 3>,
                ReLU, Dropout<20>, Linear<64>, ReLU, Dropout<>, Linear<10>, Softmax>;
constexpr Shape image{3, 57, 61};

template <class Loss, class Optimizer>
void check_steps(const Loss& loss, const Optimizer& optimizer) {
    Model<Net, image, Cpu> model;
    initialise(model, He{}, 1);
    Trainer trainer(model, loss, optimizer, {.batch = 8});
    const std::vector<float> input(static_cast<std::size_t>(8 * image.size()), 0.5f);
    const std::vector<typename Loss::Target> targets(
        static_cast<std::size_t>(std::is_same_v<Loss, SoftmaxCrossEntropy> ? 8 : 80), 1);
    for (int step = 0; step < 4; ++step) {
#ifdef TESSERA_TEST_COUNTS
        const long before = allocations;
#endif
        trainer.step({input.data(), step == 2 ? 3 : 8, image},
                     std::span(targets).first(targets.size() / 8 * (step == 2 ? 3 : 8)));
        trainer.accumulate({input.data(), 8, image}, targets);
        trainer.accumulate({input.data(), 8, image}, targets);
        trainer.update();
#ifdef TESSERA_TEST_COUNTS
        if (step > 0) CHECK(allocations == before);
#endif
    }
    CHECK(trainer.steps() == 8);
}

}  // namespace

TEST_CASE("a training step allocates nothing after the first") {
#ifndef TESSERA_TEST_COUNTS
    MESSAGE("skipped: not glibc, or a sanitizer's malloc");
#endif
    check_steps(SoftmaxCrossEntropy{}, Sgd{.rate = 1e-3});
    check_steps(SoftmaxCrossEntropy{std::vector<float>(10, 0.5f)}, AdamW{.rate = 1e-4});
    check_steps(MultiLabelLogistic{}, Sgd{.rate = 1e-4, .form = Momentum::nesterov});
    check_steps(SquaredError<>{}, Sgd{.rate = 1e-4});
}
