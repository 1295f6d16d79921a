// SPDX-License-Identifier: MIT
// Arrays of the host on the device, for the length of one call of an op.
#pragma once

#include <cstddef>
#include <map>

#include "tessera/backend/cuda/runtime.cuh"
#include "tessera/backend/geometry.hpp"

namespace tessera::test {

/// The arrays of one call of an op, on the device. Each has a block of its own of exactly its size,
/// so that a sanitizer sees what goes beyond; an array that is read and written has one block, so
/// that what is in place stays in place. Arrays begin `Late` elements after the begin of their
/// block: not where packs do, when that is 1.
template <int Late>
class DeviceArrays {
public:
    template <class T>
    const T* read(const T* host, Index count) {
        return place(host, count, true);
    }
    /// Holds NaN unless it is read as well.
    template <class T>
    T* write(T* host, Index count) {
        if (host) blocks_[host].back_to = host;
        return place(host, count, false);
    }
    template <class T>
    T* change(T* host, Index count) {
        write(host, count);
        return place(host, count, true);
    }
    /// Working memory as large as the host's, holding NaN.
    Scratch scratch(const Scratch& host) {
        return {place(host.data, static_cast<Index>(host.bytes), false), host.bytes, host.threads};
    }
    /// Waits, and brings back what was written.
    void download() {
        for (const auto& [host, block] : blocks_) {
            if (!block.back_to) continue;
            cuda::DeviceMemory::download(block.back_to, block.bytes.data() + block.skipped,
                                         block.size());
        }
    }

private:
    struct Block {
        Buffer<std::byte, cuda::DeviceMemory> bytes;
        Index skipped = 0;
        void* back_to = nullptr;

        std::size_t size() const { return static_cast<std::size_t>(bytes.size() - skipped); }
    };

    template <class T>
    T* place(T* host, Index count, bool upload) {
        if (!host) return nullptr;
        Block& block = blocks_[host];
        if (block.bytes.empty()) {
            constexpr Index size = sizeof(T);
            block.bytes = Buffer<std::byte, cuda::DeviceMemory>((Late + count) * size);
            block.skipped = Late * size;
            cuda::DeviceMemory::fill(block.bytes.data(), std::byte{0xFF},
                                     static_cast<std::size_t>(block.bytes.size()));
        }
        std::byte* data = block.bytes.data() + block.skipped;
        if (upload) cuda::DeviceMemory::upload(data, host, block.size());
        return reinterpret_cast<T*>(data);
    }

    std::map<const void*, Block> blocks_;
};

}  // namespace tessera::test
