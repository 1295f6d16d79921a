// SPDX-License-Identifier: MIT
// Vectors of as many elements as fit a number of bytes.
#pragma once

namespace tessera::cpu::detail {

/// A type of its own: within a template whose argument it depends on, g++ takes the attribute alone
/// for nothing.
template <int Bytes, class T>
struct Vector {
    typedef T Lanes __attribute__((vector_size(Bytes)));
};

}  // namespace tessera::cpu::detail
