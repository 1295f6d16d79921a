// SPDX-License-Identifier: MIT
// Copies that a thread has begun and not yet waited for, and what of them the tensor cores see, on
// the processor that plays the GPU.
#pragma once

#include <cstddef>
#include <cstring>
#include <deque>
#include <vector>

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
    /// Does all groups but the `left` last; calls done(to, bytes) after each copy.
    template <class Done>
    void wait(long left, const Done& done) {
        while (!open_.empty() && open_.front().group < groups_ - left) {
            const Copy& copy = open_.front();
            if (copy.wanted) {
                std::memcpy(copy.to, copy.from, copy.bytes);
            } else {
                std::memset(copy.to, 0, copy.bytes);
            }
            done(copy.to, copy.bytes);
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

/// Shared memory as products of a warpgroup see it, past what copies have brought (the "async
/// proxy"): 16 bytes a piece, hidden from the copy on until the thread that waited for it fences.
class AsyncView {
public:
    AsyncView(std::size_t shared_bytes, unsigned threads)
        : pieces_((shared_bytes + piece - 1) / piece), fences_(threads) {}

    void hide(std::size_t offset, std::size_t bytes, unsigned thread) {
        for (std::size_t i = offset / piece; i * piece < offset + bytes; ++i) {
            pieces_[i] = {thread, fences_[thread] + 1};
        }
        used_ = true;
    }
    void fence(unsigned thread) { ++fences_[thread]; }
    /// Whether all of these bytes are to be seen.
    bool shows(std::size_t offset, std::size_t bytes) const {
        for (std::size_t i = offset / piece; i * piece < offset + bytes; ++i) {
            if (fences_[pieces_[i].thread] < pieces_[i].shown_from) return false;
        }
        return true;
    }
    void forget() {
        if (used_) pieces_.assign(pieces_.size(), {});
        used_ = false;
    }

private:
    static constexpr std::size_t piece = 16;
    struct Piece {
        unsigned thread = 0;
        long shown_from = 0;  ///< the number of fences of that thread
    };
    std::vector<Piece> pieces_;
    std::vector<long> fences_;
    bool used_ = false;
};

}  // namespace tessera::simt
