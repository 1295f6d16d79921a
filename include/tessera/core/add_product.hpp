// SPDX-License-Identifier: MIT
// add_product: a product and a sum, each rounded, whatever the processor and the flags.
#pragma once

namespace tessera {

/// sum += a * b, of numbers or vectors. Where there is FMA, compilers round such a sum once, in one
/// loop and not in the next; here the product is always rounded before it is added, so that loops
/// of any width, and programs for any processor, compute the same bits.
template <class T>
[[gnu::always_inline]] inline void add_product(T& sum, const T& a, const T& b) {
#ifdef __clang__
#pragma clang fp contract(off)
    sum += a * b;
#else
    T product = a * b;
    // No instruction, but g++ no longer knows where the numbers come from; a sum may be a product
    // too. Without inlining, as at -O0, it fuses nothing, and has functions of long vectors that
    // are not compiled for them, where these fit no register.
#if defined(__x86_64__) && !defined(__NO_INLINE__) && !defined(__CUDA_ARCH__)
    asm("" : "+v"(product), "+v"(sum));
#elif defined(__aarch64__) && !defined(__CUDA_ARCH__)
    asm("" : "+w"(product), "+w"(sum));
#endif
    sum += product;
#endif
}

}  // namespace tessera
