// SPDX-License-Identifier: MIT
// Convolution: by Winograd's tiles where they pay, otherwise by its definition, which is directly,
// or as a product where it is one or the weights are too large to be packed for every call.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/direct_conv.hpp"
#include "tessera/backend/cpu/direct_gradient.hpp"
#include "tessera/backend/cpu/linear.hpp"
#include "tessera/backend/cpu/narrow_conv.hpp"
#include "tessera/backend/cpu/product_conv.hpp"
#include "tessera/backend/cpu/tiled_product.hpp"
#include "tessera/backend/cpu/winograd_conv.hpp"
#include "tessera/backend/cpu/winograd_gradient.hpp"

namespace tessera::cpu {

/// ConvOp of backend/concept.hpp, each output one sum of the products that define it.
struct ConvByDefinition {
    static constexpr bool takes_relu = true;
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int threads) {
        if constexpr (is_narrow<T>) {
            return NarrowConv::scratch_bytes<T>(g, threads);
        } else {
            const bool all = is_direct<T>(g) && is_turnable(g);
            return std::max(is_direct<T>(g) ? DirectConv::scratch_bytes<T>(g, threads) : 0,
                            all ? 0 : Product::template scratch_bytes<T>(g, threads));
        }
    }

    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify = false) {
        if constexpr (is_narrow<T>) {
            NarrowConv::forward(g, x, weights, bias, y, scratch, rectify);
        } else {
            is_direct<T>(g) ? DirectConv::forward(g, x, weights, bias, y, scratch, rectify)
                            : Product::forward(g, x, weights, bias, y, scratch, rectify);
        }
    }

    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch,
                              const std::type_identity_t<T>* rectified = nullptr) {
        if constexpr (is_narrow<T>) {
            NarrowConv::backward_data(g, weights, dy, dx, scratch, rectified);
        } else {
            is_direct<T>(g) && is_turnable(g)
                ? DirectConv::backward_data(g, weights, dy, dx, scratch, rectified)
                : Product::backward_data(g, weights, dy, dx, scratch, rectified);
        }
    }

    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy,
                                    Master<T>* dweights, std::type_identity_t<Master<T>>* dbias,
                                    const Scratch& scratch) {
        if constexpr (is_narrow<T>) {
            NarrowConv::backward_parameters(g, x, dy, dweights, dbias, scratch);
        } else {
            is_direct<T>(g)
                ? DirectGradient::backward_parameters(g, x, dy, dweights, dbias, scratch)
                : Product::backward_parameters(g, x, dy, dweights, dbias, scratch);
        }
    }

private:
    using Product = ProductConv<TiledProduct>;

    template <class T>
    static constexpr bool is_narrow = std::is_same_v<T, Bf16>;

    template <class T>
    static constexpr bool is_direct(const ConvGeometry& g) {
        constexpr Index most = (Index{16} << 20) / static_cast<Index>(sizeof(T));
        return !is_matrix(g) && DirectMemory<T>::weights_size(g) <= most;
    }
};

/// ConvOp of backend/concept.hpp. In float, 3 x 3 convolutions of many tiles go by Winograd's. The
/// size of the batch has a say in that, never the number of threads: an image gives the same bits
/// in all batches that go the same way, and within 1e-5 the same numbers in all others (as for
/// Linear, which has a kernel for few rows).
struct Conv {
    static constexpr bool takes_relu = true;
    static constexpr bool takes_relu_gradient = true;

    template <class T>
    static std::size_t scratch_bytes(const ConvGeometry& g, int threads) {
        // Smaller batches may find tiles too few.
        const std::size_t bytes = ConvByDefinition::scratch_bytes<T>(g, threads);
        if constexpr (std::is_same_v<T, float>) {
            if (pays_in_tiles(g) || (is_tileable(g) && pays_in_tiles(turned(g)))) {
                return std::max({bytes, WinogradConv::scratch_bytes(g, threads),
                                 WinogradGradient::scratch_bytes(g)});
            }
        }
        return bytes;
    }

    template <class T>
    static void forward(const ConvGeometry& g, const T* x, const T* weights,
                        const std::type_identity_t<T>* bias, T* y, const Scratch& scratch,
                        bool rectify = false) {
        if constexpr (std::is_same_v<T, float>) {
            if (pays_in_tiles(g)) {
                return WinogradConv::forward(g, x, weights, bias, y, scratch, rectify);
            }
        }
        ConvByDefinition::forward(g, x, weights, bias, y, scratch, rectify);
    }

    template <class T>
    static void backward_data(const ConvGeometry& g, const T* weights, const T* dy, T* dx,
                              const Scratch& scratch,
                              const std::type_identity_t<T>* rectified = nullptr) {
        if constexpr (std::is_same_v<T, float>) {
            if (is_tileable(g) && pays_in_tiles(turned(g))) {
                return WinogradConv::backward_data(g, weights, dy, dx, scratch, rectified);
            }
        }
        ConvByDefinition::backward_data(g, weights, dy, dx, scratch, rectified);
    }

    template <class T>
    static void backward_parameters(const ConvGeometry& g, const T* x, const T* dy,
                                    Master<T>* dweights, std::type_identity_t<Master<T>>* dbias,
                                    const Scratch& scratch) {
        if constexpr (std::is_same_v<T, float>) {
            if (pays_in_tiles(g)) {
                return WinogradGradient::backward_parameters(g, x, dy, dweights, dbias, scratch);
            }
        }
        ConvByDefinition::backward_parameters(g, x, dy, dweights, dbias, scratch);
    }
};

}  // namespace tessera::cpu
