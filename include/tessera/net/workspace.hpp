// SPDX-License-Identifier: MIT
// Workspace: all that changes during a pass, in one allocation laid out by the plan.
#pragma once

#include <array>
#include <cstddef>

#include "tessera/core/bfloat16.hpp"
#include "tessera/core/buffer.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/view.hpp"
#include "tessera/net/plan.hpp"

namespace tessera {

/// Activations, gradients, saved state and scratch for batches of up to `batch` samples of one
/// shape. One per thread: the model itself stays const.
template <class T, int Depth, class Memory = HostMemory>
class Workspace {
public:
    using Number = Master<T>;

    /// `network` is an address that stands for the type of model that may use it.
    Workspace(const void* network, const Description<Depth>& layers, const Plan<Depth>& plan,
              Mode mode, int batch, std::size_t scratch_bytes, int threads)
        : network_(network),
          layers_(layers),
          plan_(plan),
          mode_(mode),
          capacity_(batch),
          batch_(batch),
          arena_(plan.arena_bytes(batch) + aligned(static_cast<Index>(scratch_bytes)) +
                 staged_bytes(layers.front().input, batch)),
          scratch_{arena_.data() + plan.arena_bytes(batch), scratch_bytes, threads} {}

    const void* network() const { return network_; }
    Mode mode() const { return mode_; }
    const Plan<Depth>& plan() const { return plan_; }
    const LayerInfo& layer(int i) const { return layers_[static_cast<std::size_t>(i)]; }
    Shape input_shape() const { return layers_.front().input; }
    /// The largest batch it can hold, and the batch of the last pass.
    int capacity() const { return capacity_; }
    int batch() const { return batch_; }
    /// Bytes of its one allocation.
    Index bytes() const { return arena_.size(); }
    const Scratch& scratch() const { return scratch_; }

    /// The input of layer i; i == Depth is the network's output. Valid after a pass where the plan
    /// keeps it: the output always, another layer's when it is Tapped.
    View<const T, Memory> activation(int i) const {
        if (i == 0) return input_;
        return {at(plan_.activations[static_cast<std::size_t>(i)]), batch_, layer(i - 1).output};
    }
    View<T, Memory> activation(int i) {
        return {at(plan_.activations[static_cast<std::size_t>(i)]), batch_, layer(i - 1).output};
    }
    /// The gradient with respect to activation(i); null where the plan has none.
    View<T, Memory> gradient(int i) {
        const Index offset = plan_.gradients[static_cast<std::size_t>(i)];
        return {offset == absent ? nullptr : at(offset), batch_,
                i == 0 ? layers_.front().input : layer(i - 1).output};
    }
    std::byte* saved(int i) {
        const Index offset = plan_.saved[static_cast<std::size_t>(i)];
        return offset == absent ? nullptr : arena_.data() + offset * capacity_;
    }

    /// Begins a pass over a batch the caller owns; the memory must live until the pass back is
    /// done.
    void set_input(View<const T, Memory> input) {
        input_ = input;
        batch_ = input.batch;
    }
    /// A batch of the host's in the backend's memory: itself, or a copy that is there until the
    /// next one. requires a batch that the workspace has room for.
    View<const Number, Memory> stage(View<const Number> input) {
        if constexpr (Memory::on_host) {
            return input;
        } else {
            Number* staged = reinterpret_cast<Number*>(behind_scratch());
            copy_numbers<Memory, HostMemory>(staged, input.data, input.size());
            return {staged, input.batch, input.shape};
        }
    }
    /// Where an input of the host's goes as elements, when these are of a narrower type.
    View<T, Memory> narrow_input(int batch) requires(!std::is_same_v<T, Number>) {
        const Index numbers =
            Memory::on_host ? 0 : aligned(capacity_ * input_shape().size() * sizeof(Number));
        return {reinterpret_cast<T*>(behind_scratch() + numbers), batch, input_shape()};
    }
    /// Factor on the rates of all Dropout layers in training passes from now on: 0 switches them
    /// off. Throws Error unless it is in 0 to 1.
    void set_dropout(double factor) {
        require(factor >= 0 && factor <= 1, "dropout: found factor ", factor, ", expected 0 to 1");
        dropout_ = factor;
    }
    double dropout() const { return dropout_; }
    /// Fills the arena, for tests that look for reads of memory nobody wrote.
    void fill(std::byte value) {
        Memory::fill(arena_.data(), value, static_cast<std::size_t>(arena_.size()));
    }

private:
    /// Room for stage(), where the host's memory cannot be read, and for narrow_input().
    static Index staged_bytes(Shape input, int batch) {
        const Index size = batch * input.size();
        const Index numbers = Memory::on_host ? 0 : aligned(size * Index{sizeof(Number)});
        return numbers + (std::is_same_v<T, Number> ? 0 : aligned(size * Index{sizeof(T)}));
    }
    std::byte* behind_scratch() const {
        return scratch_.data + aligned(static_cast<Index>(scratch_.bytes));
    }
    T* at(Index offset) const {
        return reinterpret_cast<T*>(const_cast<std::byte*>(arena_.data()) + offset * capacity_);
    }

    const void* network_;
    Description<Depth> layers_;
    Plan<Depth> plan_;
    Mode mode_;
    int capacity_;
    int batch_;
    Buffer<std::byte, Memory> arena_;
    Scratch scratch_;
    View<const T, Memory> input_{};
    double dropout_ = 1;
};

}  // namespace tessera
