// SPDX-License-Identifier: MIT
// The CUDA ops for arrays of the host, so that one test body serves every backend.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "device_arrays.hpp"
#include "tessera/backend/cuda/average_pool.cuh"
#include "tessera/backend/cuda/dropout.cuh"
#include "tessera/backend/cuda/loss.cuh"
#include "tessera/backend/cuda/lrn.cuh"
#include "tessera/backend/cuda/max_pool.cuh"
#include "tessera/backend/cuda/relu.cuh"
#include "tessera/backend/cuda/softmax.cuh"
#include "tessera/backend/cuda/update.cuh"

namespace tessera::test {

/// Ops that take pointers to the host's memory and work on the device, with arrays of `Stored`.
template <int Late, class Stored = float>
struct CudaOfHost {
    using Memory = HostMemory;
    static int threads() { return 1; }

    /// Calls op(DeviceArrays&), waits, and brings back what was written.
    template <class Op>
    static void call(const Op& op) {
        DeviceArrays<Late> on_device;
        op(on_device);
        cuda::DeviceMemory::synchronize();
        on_device.download();
    }

    struct Relu {
        template <class T>
        static void forward(Index n, const T* x, T* y) {
            call([&](auto& d) { cuda::Relu::forward(n, d.read(x, n), d.write(y, n)); });
        }
        template <class T>
        static void backward(Index n, const T* y, const T* dy, T* dx) {
            call([&](auto& d) {
                cuda::Relu::backward(n, d.read(y, n), d.read(dy, n), d.write(dx, n));
            });
        }
    };

    struct Lrn {
        template <class T>
        static void forward(const LrnGeometry& g, const T* x, T* y,
                            std::type_identity_t<T>* scale) {
            const Index n = g.batch * g.shape.size();
            call([&](auto& d) {
                cuda::Lrn::forward(g, d.read(x, n), d.write(y, n), d.write(scale, n));
            });
        }
        template <class T>
        static void backward(const LrnGeometry& g, const T* x, const T* y, const T* scale,
                             const T* dy, T* dx,
                             const std::type_identity_t<T>* rectified = nullptr) {
            const Index n = g.batch * g.shape.size();
            call([&](auto& d) {
                cuda::Lrn::backward(g, d.read(x, n), d.read(y, n), d.read(scale, n), d.read(dy, n),
                                    d.write(dx, n), d.read(rectified, n));
            });
        }
    };

    struct MaxPool {
        template <class T>
        static void forward(const PoolGeometry& g, const T* x, T* y, std::int32_t* argmax) {
            const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
            call([&](auto& d) {
                cuda::MaxPool::forward(g, d.read(x, inputs), d.write(y, outputs),
                                       d.write(argmax, outputs));
            });
        }
        template <class T>
        static void backward(const PoolGeometry& g, const std::int32_t* argmax, const T* dy, T* dx,
                             const std::type_identity_t<T>* rectified = nullptr) {
            const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
            call([&](auto& d) {
                cuda::MaxPool::backward(g, d.read(argmax, outputs), d.read(dy, outputs),
                                        d.write(dx, inputs), d.read(rectified, inputs));
            });
        }
    };

    struct AveragePool {
        template <class T>
        static void forward(const PoolGeometry& g, const T* x, T* y) {
            const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
            call([&](auto& d) {
                cuda::AveragePool::forward(g, d.read(x, inputs), d.write(y, outputs));
            });
        }
        template <class T>
        static void backward(const PoolGeometry& g, const T* dy, T* dx,
                             const std::type_identity_t<T>* rectified = nullptr) {
            const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
            call([&](auto& d) {
                cuda::AveragePool::backward(g, d.read(dy, outputs), d.write(dx, inputs),
                                            d.read(rectified, inputs));
            });
        }
    };

    struct Dropout {
        template <class T>
        static void forward(Index n, double rate, const Stream& stream, const T* x, T* y,
                            std::uint8_t* mask) {
            call([&](auto& d) {
                cuda::Dropout::forward(n, rate, stream, d.read(x, n), d.write(y, n),
                                       d.write(mask, n));
            });
        }
        template <class T>
        static void backward(Index n, double rate, const std::uint8_t* mask, const T* dy, T* dx,
                             const std::type_identity_t<T>* rectified = nullptr) {
            call([&](auto& d) {
                cuda::Dropout::backward(n, rate, d.read(mask, n), d.read(dy, n), d.write(dx, n),
                                        d.read(rectified, n));
            });
        }
    };

    struct Softmax {
        template <class T>
        static void forward(Index rows, Index channels, const T* x, T* y) {
            const Index n = rows * channels;
            call([&](auto& d) {
                cuda::Softmax::forward(rows, channels, d.read(x, n), d.write(y, n));
            });
        }
        template <class T>
        static void backward(Index rows, Index channels, const T* y, const T* dy, T* dx) {
            const Index n = rows * channels;
            call([&](auto& d) {
                cuda::Softmax::backward(rows, channels, d.read(y, n), d.read(dy, n),
                                        d.write(dx, n));
            });
        }
    };

    struct Loss {
        template <class T>
        static void softmax_cross_entropy(Index rows, Index classes, const T* x,
                                          const std::int32_t* labels, const float* class_weights,
                                          double scale, double* losses,
                                          std::type_identity_t<T>* dx) {
            const Index n = rows * classes;
            call([&](auto& d) {
                cuda::Loss::softmax_cross_entropy(rows, classes, d.read(x, n), d.read(labels, rows),
                                                  d.read(class_weights, classes), scale,
                                                  d.write(losses, rows), d.write(dx, n));
            });
        }
        template <class T>
        static void multi_label_logistic(Index rows, Index classes, const T* x,
                                         const std::int8_t* signs, double scale, double* losses,
                                         std::type_identity_t<T>* dx) {
            const Index n = rows * classes;
            call([&](auto& d) {
                cuda::Loss::multi_label_logistic(rows, classes, d.read(x, n), d.read(signs, n),
                                                 scale, d.write(losses, rows), d.write(dx, n));
            });
        }
        template <class T>
        static void squared_error(Index rows, Index columns, const T* x, const T* target,
                                  double scale, double* losses, std::type_identity_t<T>* dx) {
            const Index n = rows * columns;
            call([&](auto& d) {
                cuda::Loss::squared_error(rows, columns, d.read(x, n), d.read(target, n), scale,
                                          d.write(losses, rows), d.write(dx, n));
            });
        }
    };

    struct Update {
        template <class T>
        static void sgd(std::span<const UpdatePiece<T, 1>> pieces, const SgdStep& step) {
            call([&](auto& d) {
                const auto moved = there(d, pieces);
                cuda::Update::sgd(std::span(moved), step);
            });
        }
        template <class T>
        static void adamw(std::span<const UpdatePiece<T, 2>> pieces, const AdamWStep& step) {
            call([&](auto& d) {
                const auto moved = there(d, pieces);
                cuda::Update::adamw(std::span(moved), step);
            });
        }

    private:
        template <class T, std::size_t States>
        static std::vector<UpdatePiece<T, States>> there(
            DeviceArrays<Late>& d, std::span<const UpdatePiece<T, States>> pieces) {
            std::vector<UpdatePiece<T, States>> moved(pieces.begin(), pieces.end());
            for (auto& piece : moved) {
                piece.gradient = d.change(piece.gradient, piece.count);
                for (T*& state : piece.state) state = d.change(state, piece.count);
                piece.weights = d.change(piece.weights, piece.count);
                piece.working = d.write(piece.working, piece.count);
            }
            return moved;
        }
    };
};

using HostedCuda = CudaOfHost<0>;
using UnalignedCuda = CudaOfHost<1>;
using HostedBf16 = CudaOfHost<0, Bf16>;
using UnalignedBf16 = CudaOfHost<1, Bf16>;

}  // namespace tessera::test
