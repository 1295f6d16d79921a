// SPDX-License-Identifier: MIT
// Two layers behind one another that a backend does as one op, so that what is between them crosses
// no memory.
#pragma once

#include <cstdint>

#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"

namespace tessera {

/// What `First` and `Second`, bare, are together. A pair that a backend has an op for says so and
/// supplies forward and backward of both: the first layer's output and its gradient are not there,
/// it saves nothing, and backward may read its input if it declares that it needs it. Neither layer
/// has parameters or is in place.
template <class First, class Second>
struct LayerPair {
    template <class Backend>
    static constexpr bool is_one_op = false;
};

/// Whether a backend has an op for any pair: neighbours need not be looked at where it has none.
template <class Backend>
inline constexpr bool has_pairs = requires {
    typename Backend::LrnMaxPool;
};

template <class... Normalising, int Kernel, class... Pooling>
struct LayerPair<Lrn<Normalising...>, MaxPool<Kernel, Pooling...>> {
    using First = Lrn<Normalising...>;
    using Second = MaxPool<Kernel, Pooling...>;

    template <class Backend>
    static constexpr bool is_one_op = [] {
        if constexpr (has_pairs<Backend>) {
            return Backend::LrnMaxPool::takes(First::options.size, Second::options.window());
        }
        return false;
    }();
    /// `first` and `second` are what the layers would see by themselves.
    template <class Backend, class T>
    static void forward(const ForwardPass<T>& first, const ForwardPass<T>& second) {
        const int batch = first.input.batch;
        Backend::LrnMaxPool::forward(
            First::geometry(batch, first.input.shape), Second::geometry(batch, first.input.shape),
            first.input.data, second.output.data, reinterpret_cast<std::uint8_t*>(second.saved));
    }
    template <class Backend, class T>
    static void backward(const BackwardPass<T>& first, const BackwardPass<T>& second) {
        if (!first.input_gradient) return;
        const int batch = first.input.batch;
        Backend::LrnMaxPool::backward(
            First::geometry(batch, first.input.shape), Second::geometry(batch, first.input.shape),
            first.input.data, reinterpret_cast<const std::uint8_t*>(second.saved),
            second.output_gradient.data, first.input_gradient.data, first.rectified);
    }
};

}  // namespace tessera
