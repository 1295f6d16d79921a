// SPDX-License-Identifier: MIT
// The parameters of a model: pointers per layer into one block of its own and into blocks it
// shares.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "tessera/core/buffer.hpp"
#include "tessera/net/layout.hpp"

namespace tessera {

/// Blocks live as long as any model that uses them.
template <class T, int Count, class Memory = HostMemory>
class Parameters {
public:
    using Block = Buffer<T, Memory>;

    explicit Parameters(const ParameterLayout<Count>& layout) : layout_(layout) {}

    const ParameterLayout<Count>& layout() const { return layout_; }
    int count() const { return Count; }
    const ParameterEntry& entry(int i) const {
        return layout_.entries[static_cast<std::size_t>(i)];
    }

    /// The i-th array, in layer order, and where it is in the backend's memory.
    std::span<T> operator[](int i) requires Memory::on_host {
        return {data(i), static_cast<std::size_t>(size(i))};
    }
    std::span<const T> operator[](int i) const requires Memory::on_host {
        return {data(i), static_cast<std::size_t>(size(i))};
    }
    T* data(int i) { return pointers_[static_cast<std::size_t>(i)]; }
    const T* data(int i) const { return pointers_[static_cast<std::size_t>(i)]; }
    Index size(int i) const { return entry(i).info.count(); }
    /// The i-th array for the host to work on, whatever the backend.
    HostArray<T, Memory> on_host(int i) { return {data(i), size(i)}; }
    HostArray<const T, Memory> on_host(int i) const { return {data(i), size(i)}; }

    /// Uses an array of another model from now on.
    template <int OtherCount>
    void share(int i, const Parameters<T, OtherCount, Memory>& other, int j) {
        pointers_[static_cast<std::size_t>(i)] = other.pointers_[static_cast<std::size_t>(j)];
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
            if (!pointers_[static_cast<std::size_t>(i)])
                size += detail::padded(entry(i).info.count());
        }
        if (size == 0) return;
        auto block = std::make_shared<Block>(size);
        Memory::fill(block->data(), std::byte{0}, static_cast<std::size_t>(size) * sizeof(T));
        Memory::synchronize();
        T* next = block->data();
        for (const ParameterEntry* entry : by_offset()) {
            T*& pointer = pointers_[static_cast<std::size_t>(entry - layout_.entries.data())];
            if (pointer) continue;
            pointer = next;
            next += detail::padded(entry->info.count());
        }
        blocks_.push_back(std::move(block));
    }
    /// Bytes held by the blocks, the shared ones included.
    Index bytes() const {
        Index sum = 0;
        for (const auto& block : blocks_) sum += block->size() * static_cast<Index>(sizeof(T));
        return sum;
    }

private:
    template <class, int, class>
    friend class Parameters;

    std::array<const ParameterEntry*, Count> by_offset() const {
        std::array<const ParameterEntry*, Count> order{};
        for (std::size_t i = 0; i < Count; ++i) order[i] = &layout_.entries[i];
        std::sort(order.begin(), order.end(),
                  [](auto* a, auto* b) { return a->offset < b->offset; });
        return order;
    }

    ParameterLayout<Count> layout_;
    std::array<T*, Count> pointers_{};
    std::vector<std::shared_ptr<Block>> blocks_;
};

}  // namespace tessera
