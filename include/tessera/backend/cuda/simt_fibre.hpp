// SPDX-License-Identifier: MIT
// Fibre: a stack of its own to run on, for the threads of a block where there is no GPU (simt.hpp).
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <memory>

#include "tessera/core/error.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TESSERA_SIMT_ADDRESSES 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define TESSERA_SIMT_ADDRESSES 1
#endif
#ifdef TESSERA_SIMT_ADDRESSES
#include <sanitizer/common_interface_defs.h>
#elif defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
// swapcontext() asks the kernel for the mask of signals each time. This is 20 times as quick.
#define TESSERA_SIMT_JUMPS 1
#endif

namespace tessera::simt {

/// A stack of its own that a thread of the block runs on.
class Fibre {
public:
    static constexpr std::size_t stack_bytes = std::size_t{1} << 17;

    explicit Fibre(void (*entry)()) : stack_(new std::byte[stack_bytes]) {
        ::getcontext(&context_);
        context_.uc_stack.ss_sp = stack_.get();
        context_.uc_stack.ss_size = stack_bytes;
        context_.uc_link = nullptr;
        ::makecontext(&context_, entry, 0);
    }
    /// The stack the program was on before.
    Fibre() = default;
    Fibre(const Fibre&) = delete;
    Fibre& operator=(const Fibre&) = delete;

    void switch_to(Fibre& other) {
#ifdef TESSERA_SIMT_ADDRESSES
        void* shadow = nullptr;
        __sanitizer_start_switch_fiber(&shadow, other.bottom(), other.bytes());
        ::swapcontext(&context_, &other.context_);
        __sanitizer_finish_switch_fiber(shadow, nullptr, nullptr);
#elif defined(TESSERA_SIMT_JUMPS)
        begun_ = true;
        if (__builtin_setjmp(place_) == 0) other.enter();
#else
        ::swapcontext(&context_, &other.context_);
#endif
    }
    /// First on a new stack; `from` is the one before.
    static void arrive([[maybe_unused]] Fibre& from) {
#ifdef TESSERA_SIMT_ADDRESSES
        __sanitizer_finish_switch_fiber(nullptr, &from.bottom_, &from.bytes_);
#endif
    }

    unsigned thread = 0;  ///< of the block, in one number

private:
    const void* bottom() const { return stack_ ? stack_.get() : bottom_; }
    std::size_t bytes() const { return stack_ ? stack_bytes : bytes_; }

#ifdef TESSERA_SIMT_JUMPS
    /// Never returns, and compilers have to know: clang++ made a jump of a last call, after it had
    /// given up the frame that place_ comes back to.
    [[noreturn, gnu::noinline]] void enter() {
        if (begun_) __builtin_longjmp(place_, 1);
        ::setcontext(&context_);
        fail("kernel: a thread of a block does not start");
    }
    void* place_[5] = {};  ///< where it gave way
    bool begun_ = false;
#endif
    ::ucontext_t context_{};
    std::unique_ptr<std::byte[]> stack_;
    const void* bottom_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace tessera::simt
