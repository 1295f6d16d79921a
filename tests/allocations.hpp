// SPDX-License-Identifier: MIT
// Counts every allocation of the process, of all threads: by defining malloc's family over glibc's
// own, or through the hook of a sanitizer, which has a malloc already. Include it in one file of a
// test program.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdlib>
#if __has_include(<mm_malloc.h>)
#include <mm_malloc.h>  // declares posix_memalign once more, which must come before its definition
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TESSERA_TEST_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TESSERA_TEST_SANITIZED 1
#endif

namespace tessera::test {

#if defined(__GLIBC__) || defined(TESSERA_TEST_SANITIZED)
inline constexpr bool counts_allocations = true;
#else
inline constexpr bool counts_allocations = false;
#endif

inline std::atomic<long> allocations{0};

/// Proves that the count counts. Says so where it cannot.
inline void check_that_allocations_are_counted() {
    const long before = allocations;
    int* volatile one = new int(1);
    delete one;
    if (counts_allocations) {
        REQUIRE(allocations == before + 1);
    } else {
        MESSAGE("skipped: no glibc");
    }
}

}  // namespace tessera::test

#if defined(TESSERA_TEST_SANITIZED)
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*at_malloc)(const volatile void*,
                                                                           std::size_t),
                                                         void (*at_free)(const volatile void*));

namespace tessera::test {
inline const int hooks = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { ++allocations; }, [](const volatile void*) {});
}
#elif defined(__GLIBC__)
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t bytes) {
    ++tessera::test::allocations;
    return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
    ++tessera::test::allocations;
    return __libc_calloc(count, bytes);
}
void* realloc(void* data, std::size_t bytes) {
    ++tessera::test::allocations;
    return __libc_realloc(data, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
    ++tessera::test::allocations;
    return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** data, std::size_t alignment, std::size_t bytes) {
    *data = memalign(alignment, bytes);
    return *data ? 0 : ENOMEM;
}
}
#endif
