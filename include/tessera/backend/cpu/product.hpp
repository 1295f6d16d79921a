// SPDX-License-Identifier: MIT
// What a matrix product is told.
#pragma once

#include "tessera/backend/cpu/pair.hpp"
#include "tessera/core/shape.hpp"

namespace tessera::cpu {

/// A factor of a product: element (i, j) is data[i * stride + j], or data[j * stride + i] if
/// transposed.
template <class T>
struct Matrix {
    const T* data = nullptr;
    Index stride = 0;
    bool transposed = false;

    Matrix from(Index i, Index j) const {
        return {data + (transposed ? j * stride + i : i * stride + j), stride, transposed};
    }
};

/// c = a b + bias, or c += a b, with a (rows, depth), b (depth, columns), c (rows, columns), and
/// bias (columns), null for none.
template <class T>
struct Product {
    Index rows = 0;
    Index columns = 0;
    Index depth = 0;
    Matrix<T> a{};
    Matrix<T> b{};
    Master<T>* c = nullptr;
    Index stride = 0;  ///< of c
    bool accumulate = false;
    const T* bias = nullptr;
    bool rectify = false;  ///< c = max(c, 0) in the end
    const Factor<T>* panels =
        nullptr;  ///< the whole of b in panels, or null; b is there all the same
};

}  // namespace tessera::cpu
