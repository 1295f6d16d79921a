// SPDX-License-Identifier: MIT
// The parameters of a model: pointers per layer into one block of its own and into blocks it
// shares.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "tessera/core/bfloat16.hpp"
#include "tessera/core/buffer.hpp"
#include "tessera/core/shared.hpp"
#include "tessera/core/thread.hpp"
#include "tessera/net/layout.hpp"

namespace tessera {

namespace detail {

/// Parameters that were allocated at once, zero at first, and their working copy, if any.
template <class T, class Memory>
struct ParameterBlock {
    using Number = Master<T>;

    explicit ParameterBlock(Index size) : numbers(size) {
        if constexpr (!std::is_same_v<T, Number>) working = Buffer<T, Memory>(size);
        Memory::fill(numbers.data(), std::byte{0}, static_cast<std::size_t>(size) * sizeof(Number));
        Memory::synchronize();
    }

    Buffer<Number, Memory> numbers;
    Buffer<T, Memory> working;
    SharedFlag changed{true};  ///< since the working copy was made
    Mutex mutex;
};

/// One array in a block.
template <class T, class Memory>
struct ParameterArray {
    Master<T>* numbers = nullptr;
    ParameterBlock<T, Memory>* block = nullptr;

    T* working() const { return block->working.data() + (numbers - block->numbers.data()); }
};

}  // namespace detail

/// Blocks live as long as any model that uses them.
///
/// T is the type of a network's elements. Where that is not the type in which parameters learn,
/// each block has a working copy of type T beside it, which is what products read; whoever can have
/// changed parameters has it made anew before the next pass.
template <class T, int Count, class Memory = HostMemory>
class Parameters {
public:
    using Number = Master<T>;
    static constexpr bool has_working_copy = !std::is_same_v<T, Number>;

    explicit Parameters(const ParameterLayout<Count>& layout) : layout_(layout) {}

    const ParameterLayout<Count>& layout() const { return layout_; }
    int count() const { return Count; }
    const ParameterEntry& entry(int i) const {
        return layout_.entries[static_cast<std::size_t>(i)];
    }

    /// The i-th array, in layer order, and where it is in the backend's memory.
    std::span<Number> operator[](int i) requires Memory::on_host {
        return {data(i), static_cast<std::size_t>(size(i))};
    }
    std::span<const Number> operator[](int i) const requires Memory::on_host {
        return {data(i), static_cast<std::size_t>(size(i))};
    }
    Number* data(int i) {
        array(i).block->changed.set(true);
        return array(i).numbers;
    }
    const Number* data(int i) const { return array(i).numbers; }
    Index size(int i) const { return entry(i).info.count(); }
    /// The i-th array for the host to work on, whatever the backend.
    HostArray<Number, Memory> on_host(int i) { return {data(i), size(i)}; }
    HostArray<const Number, Memory> on_host(int i) const { return {data(i), size(i)}; }

    /// What the products of a pass read: the i-th array itself, or its working copy.
    const T* working(int i) const {
        if constexpr (has_working_copy) {
            return array(i).working();
        } else {
            return array(i).numbers;
        }
    }
    /// The i-th array and its working copy, for whoever changes both at once.
    Number* learning(int i) { return array(i).numbers; }
    T* learning_copy(int i) requires has_working_copy { return array(i).working(); }

    /// narrow(numbers, working copy, size) for each block that can have changed since the last
    /// call.
    template <class Narrow>
    void refresh(const Narrow& narrow) const requires has_working_copy {
        for (const auto& block : blocks_) {
            if (!block->changed) continue;
            const Lock lock(block->mutex);
            if (!block->changed) continue;
            narrow(block->numbers.data(), block->working.data(), block->numbers.size());
            Memory::synchronize();
            block->changed.set(false);
        }
    }

    /// Uses an array of another model from now on.
    template <int OtherCount>
    void share(int i, const Parameters<T, OtherCount, Memory>& other, int j) {
        array(i) = other.array(j);
        for (const auto& block : other.blocks_) {
            if (std::find(blocks_.begin(), blocks_.end(), block) == blocks_.end()) {
                blocks_.push_back(block);
            }
        }
    }
    /// Allocates, as one zeroed block, every array that is not shared.
    void allocate_missing() {
        Index size = 0;
        for (int i = 0; i < Count; ++i) {
            if (!array(i).numbers) size += detail::padded(entry(i).info.count());
        }
        if (size == 0) return;
        auto block = SharedOwner<Block>::make(size);
        Number* next = block->numbers.data();
        for (const ParameterEntry* entry : by_offset()) {
            Array& own = array(static_cast<int>(entry - layout_.entries.data()));
            if (own.numbers) continue;
            own = {next, block.get()};
            next += detail::padded(entry->info.count());
        }
        blocks_.push_back(std::move(block));
    }
    /// Bytes held by the blocks, the shared ones included, without working copies.
    Index bytes() const {
        Index sum = 0;
        for (const auto& block : blocks_) {
            sum += block->numbers.size() * static_cast<Index>(sizeof(Number));
        }
        return sum;
    }

private:
    template <class, int, class>
    friend class Parameters;
    using Block = detail::ParameterBlock<T, Memory>;
    using Array = detail::ParameterArray<T, Memory>;

    Array& array(int i) { return arrays_[static_cast<std::size_t>(i)]; }
    const Array& array(int i) const { return arrays_[static_cast<std::size_t>(i)]; }

    std::array<const ParameterEntry*, Count> by_offset() const {
        std::array<const ParameterEntry*, Count> order{};
        for (int i = 0; i < Count; ++i) {
            auto p = static_cast<std::size_t>(i);
            for (; p > 0 && order[p - 1]->offset > entry(i).offset; --p) order[p] = order[p - 1];
            order[p] = &entry(i);
        }
        return order;
    }

    ParameterLayout<Count> layout_;
    std::array<Array, Count> arrays_{};
    std::vector<SharedOwner<Block>> blocks_;
};

}  // namespace tessera
