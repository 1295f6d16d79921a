// SPDX-License-Identifier: MIT
// Staging: numbers of the host on their way to the device, without waiting for them.
#pragma once

#include <array>
#include <cstddef>

#include "tessera/backend/cuda/runtime.cuh"

namespace tessera::cuda {

/// Two blocks of pinned memory that take turns: one is filled while the other is still read. They
/// grow to the largest use. Not within the recording of a Graph.
class Staging {
public:
    Staging() = default;
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;
    ~Staging() {
        for (Block& block : blocks_) {
            try {
                block.sent.wait();
            } catch (const Error&) {  // whoever asks the device next is told
            }
        }
    }

    /// `bytes` to be filled. Waits until what was sent from there two uses ago has left.
    std::byte* begin(Index bytes) {
        turn_ = 1 - turn_;
        Block& block = blocks_[turn_];
        block.sent.wait();
        if (block.bytes.size() < bytes) block.bytes = Buffer<std::byte, PinnedMemory>(bytes);
        return block.bytes.data();
    }

    /// Sends the first `bytes` of what begin() gave to the device.
    void send(void* to, Index bytes) {
        Block& block = blocks_[turn_];
        DeviceMemory::upload(to, block.bytes.data(), static_cast<std::size_t>(bytes));
        block.sent.record();
    }

private:
    struct Block {
        Buffer<std::byte, PinnedMemory> bytes;
        Event sent;
    };
    std::array<Block, 2> blocks_;
    std::size_t turn_ = 0;
};

}  // namespace tessera::cuda
