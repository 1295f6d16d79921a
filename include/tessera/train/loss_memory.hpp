// SPDX-License-Identifier: MIT
// LossMemory: what a loss leaves in the backend's memory, so that a step need not wait for it.
#pragma once

#include <cstddef>
#include <span>

#include "tessera/core/buffer.hpp"

namespace tessera {

/// Targets and factors on their way to the backend, and the loss of each row on its way back.
/// Grows to the largest batch and stays so.
template <class Memory>
class LossMemory {
public:
    /// The targets of a batch where the backend can read them: on the host, where they are.
    template <class Target>
    const Target* targets(std::span<const Target> numbers) {
        return put(targets_, numbers);
    }
    /// The same for factors on losses, such as class weights; null when there are none.
    const float* factors(std::span<const float> numbers) {
        return numbers.empty() ? nullptr : put(factors_, numbers);
    }
    /// Room for one loss a row, of which value() takes `scale` times the sum.
    double* losses(Index rows, double scale) {
        if (losses_.size() < rows) losses_ = Buffer<double, Memory>(rows);
        rows_ = rows;
        scale_ = scale;
        return losses_.data();
    }
    /// The loss, summed in the order of the rows. Waits for the backend.
    double value() {
        double sum = 0;
        HostArray<const double, Memory> losses(losses_.data(), rows_);
        for (const double loss : losses.span()) sum += loss;
        return scale_ * sum;
    }

private:
    template <class T>
    static const T* put(Buffer<std::byte, Memory>& place, std::span<const T> numbers) {
        if constexpr (Memory::on_host) {
            return numbers.data();
        } else {
            const auto bytes = static_cast<Index>(numbers.size_bytes());
            if (place.size() < bytes) place = Buffer<std::byte, Memory>(bytes);
            Memory::upload(place.data(), numbers.data(), numbers.size_bytes());
            return reinterpret_cast<const T*>(place.data());
        }
    }

    Buffer<std::byte, Memory> targets_, factors_;
    Buffer<double, Memory> losses_;
    Index rows_ = 0;
    double scale_ = 1;
};

}  // namespace tessera
