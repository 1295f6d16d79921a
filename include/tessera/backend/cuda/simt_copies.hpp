// SPDX-License-Identifier: MIT
// Copies that a thread has begun and not yet waited for, on the processor that plays the GPU.
#pragma once

#include <cstddef>
#include <cstring>
#include <deque>

namespace tessera::simt {

/// A copy is done at the last moment, when its thread waits for it; until then its target holds
/// NaN. So both show: to read too early, and to write over what others still read.
class Copies {
public:
    void begin(void* to, const void* from, std::size_t bytes, bool wanted) {
        std::memset(to, 0xFF, bytes);
        open_.push_back({to, from, bytes, wanted, groups_});
    }
    /// Ends a group: those begun since the last one.
    void commit() { ++groups_; }
    /// Does all groups but the `left` last.
    void wait(long left) {
        while (!open_.empty() && open_.front().group < groups_ - left) {
            const Copy& copy = open_.front();
            if (copy.wanted) {
                std::memcpy(copy.to, copy.from, copy.bytes);
            } else {
                std::memset(copy.to, 0, copy.bytes);
            }
            open_.pop_front();
        }
    }
    void forget() {
        open_.clear();
        groups_ = 0;
    }

private:
    struct Copy {
        void* to;
        const void* from;
        std::size_t bytes;
        bool wanted;
        long group;
    };
    std::deque<Copy> open_;
    long groups_ = 0;
};

}  // namespace tessera::simt
