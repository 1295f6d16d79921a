// SPDX-License-Identifier: MIT
// The power of response normalisation.
#pragma once

#include <cmath>

#include "tessera/backend/cuda/pack.cuh"

namespace tessera::cuda {

/// 1 / sqrt(s) to 2 units in the last place of float: one special function, where a root and a
/// division that are rounded to the nearest take some twenty instructions. Below 2^-126 as of 0.
#ifdef __CUDACC__
__device__ inline float inverse_root(float s) {
    float root;
    asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(root) : "f"(s));
    return root;
}
__device__ inline double inverse_root(double s) { return ::rsqrt(s); }
#else
template <class T>
T inverse_root(T s) {
    return 1 / std::sqrt(s);
}
#endif

/// s^-beta of packs. Three quarters, which nearly all networks take, by two roots; NaN where s is
/// infinite.
template <class T>
struct InversePower {
    T beta;

    template <int Width>
    struct Powers {
        Pack<T, Width> own, next;  ///< s^-beta and s^-(beta + 1)
    };

    template <int Width>
    __device__ Pack<T, Width> operator()(const Pack<T, Width>& s) const {
        return powers(s).own;
    }
    template <int Width>
    __device__ Powers<Width> powers(const Pack<T, Width>& s) const {
        Powers<Width> found;
        if (beta == T{0.75}) {
            for (int k = 0; k < Width; ++k) {
                const T root = inverse_root(s[k]);
                found.own[k] = root * (root * inverse_root(root));
                found.next[k] = found.own[k] * (root * root);
            }
        } else {
            for (int k = 0; k < Width; ++k) {
                found.own[k] = std::pow(s[k], -beta);
                found.next[k] = found.own[k] / s[k];
            }
        }
        return found;
    }
};

}  // namespace tessera::cuda
