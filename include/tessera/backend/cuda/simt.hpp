// SPDX-License-Identifier: MIT
// Kernels on the processor: what a CUDA kernel sees of the machine, for the host compiler, so that
// the same kernels run in tests where there is no GPU.
//
// The blocks of a grid run one after the other. The threads of a block are fibres that give way at
// barriers and shuffles only; a kernel without any costs a loop. Mistakes a GPU forgives are
// errors here: a barrier that not all threads reach, a shuffle that not all lanes of a warp reach.
// Shared memory is filled with NaN before each block, and every other block runs its threads from
// the last to the first, so that a missing barrier shows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "tessera/backend/cuda/simt_copies.hpp"
#include "tessera/backend/cuda/simt_fibre.hpp"
#include "tessera/backend/cuda/simt_products.hpp"
#include "tessera/core/buffer.hpp"
#include "tessera/core/error.hpp"

#define __device__
#define __host__
#define __forceinline__ inline

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

/// As in CUDA: where the running thread is.
inline thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace tessera::simt {

inline constexpr unsigned warp_lanes = 32;
inline constexpr unsigned warpgroup_lanes = 128;

/// Runs the blocks of a launch.
class Grid {
public:
    Grid(dim3 blocks, dim3 threads, std::size_t shared_bytes)
        : blocks_(blocks),
          threads_(threads),
          shared_(static_cast<Index>(shared_bytes)),
          count_(threads.x * threads.y * threads.z),
          view_(shared_bytes, count_) {
        exchanged_.resize(std::size_t{2} * count_ * place_bytes);
        copies_.resize(count_);
        products_.resize(count_);
        warpgroups_.resize((count_ + warpgroup_lanes - 1) / warpgroup_lanes);
        turns_.resize(count_);
        arrived_.resize((count_ + warp_lanes - 1) / warp_lanes);
        waiting_.resize(arrived_.size());
    }

    /// Calls body() as every thread of every block. Throws Error where threads wait for others that
    /// never come.
    template <class Body>
    void run(const Body& body) {
        call_ = [](const void* kernel) { (*static_cast<const Body*>(kernel))(); };
        kernel_ = &body;
        running_ = this;
        gridDim = blocks_;
        blockDim = threads_;
        for (unsigned z = 0; z < blocks_.z; ++z) {
            for (unsigned y = 0; y < blocks_.y; ++y) {
                for (unsigned x = 0; x < blocks_.x; ++x) {
                    blockIdx = {x, y, z};
                    run_block();
                    descending_ = !descending_;
                }
            }
        }
        running_ = nullptr;
    }

    static Grid& running() { return *running_; }
    std::byte* shared() { return shared_.data(); }

    /// Returns when all threads of the block have come here.
    void wait_for_block() {
        at_barrier_.push_back(current_);
        give_way();
    }

    /// What each lane of a warp can bring to a meeting.
    static constexpr std::size_t place_bytes = 32;

    /// Returns when all lanes of the warp have come: what they brought, place_bytes apart from lane
    /// to lane, to be read before the next meeting.
    const std::byte* meet(const void* own, std::size_t bytes) {
        const unsigned thread = current_->thread, warp = thread / warp_lanes;
        // Two sets of places: a lane can be ahead of another by one meeting, never by two.
        std::byte* places =
            exchanged_.data() + std::size_t{turns_[thread]++ % 2} * count_ * place_bytes;
        std::memcpy(places + thread * place_bytes, own, bytes);
        if (++arrived_[warp] == lanes_of(warp)) {
            arrived_[warp] = 0;
            for (Fibre* fibre : waiting_[warp]) ready_.push_back(fibre);
            waiting_[warp].clear();
        } else {
            waiting_[warp].push_back(current_);
            give_way();
        }
        return places + std::size_t{warp} * warp_lanes * place_bytes;
    }

    /// The 8 bytes that lane `source` of the own warp brings. All its lanes must come.
    std::uint64_t exchange(std::uint64_t own, unsigned source) {
        const std::byte* places = meet(&own, sizeof(own));
        if (source < lanes_of(current_->thread / warp_lanes)) {
            std::memcpy(&own, places + source * place_bytes, sizeof(own));
        } else {
            broken_shuffle_ = true;
        }
        return own;
    }

    /// Returns when all 128 threads of the warpgroup have come. Whether all brought the same pair.
    bool meet_warpgroup(std::uint64_t a, std::uint64_t b) {
        Warpgroup& group = warpgroups_[current_->thread / warpgroup_lanes];
        if (group.arrived == 0) group.pair = {a, b};
        const bool same = group.pair == std::pair{a, b};
        if (++group.arrived == warpgroup_lanes) {
            group.arrived = 0;
            for (Fibre* fibre : group.waiting) ready_.push_back(fibre);
            group.waiting.clear();
        } else {
            group.waiting.push_back(current_);
            give_way();
        }
        return same;
    }

    /// What the running thread has begun to copy, and to multiply.
    Copies& copies() { return copies_[current_->thread]; }
    Products& products() { return products_[current_->thread]; }
    /// Does all copies but those of the `left` last groups.
    void wait_for_copies(long left) {
        copies().wait(left, [&](const void* to, std::size_t bytes) {
            view_.hide(offset_of(to), bytes, current_->thread);
        });
    }
    /// What the running thread has copied is to be seen by products.
    void fence_copies() { view_.fence(current_->thread); }
    const AsyncView& view() const { return view_; }
    /// A place in the shared memory, in bytes from its begin.
    std::size_t offset_of(const void* place) const {
        return static_cast<std::size_t>(static_cast<const std::byte*>(place) - shared_.data());
    }
    std::size_t shared_bytes() const { return static_cast<std::size_t>(shared_.size()); }

    /// The launch fails, after this block, with the first sentence said.
    void complain(const char* sentence) {
        if (!complaint_) complaint_ = sentence;
    }

private:
    void run_block() {
        std::fill(shared_.begin(), shared_.end(), std::byte{0xFF});
        for (Copies& copies : copies_) copies.forget();
        for (Products& products : products_) products.forget();
        view_.forget();
        started_ = finished_ = 0;
        while (finished_ < count_) {
            if (!ready_.empty()) {
                resume(*ready_.front());
                ready_.pop_front();
            } else if (started_ < count_) {
                if (idle_.empty()) idle_.push_back(make_fibre());
                Fibre* fibre = idle_.back();
                idle_.pop_back();
                resume(*fibre);
            } else {
                require(at_barrier_.size() == count_, "kernel: ", at_barrier_.size(), " of ",
                        count_, " threads of a block wait at a barrier, ", finished_,
                        " are through, the others wait in a shuffle");
                ready_.assign(at_barrier_.begin(), at_barrier_.end());
                at_barrier_.clear();
            }
        }
        require(!broken_shuffle_, "kernel: a shuffle asks for a lane that a block of ", count_,
                " threads does not have");
        if (complaint_) fail("kernel: ", complaint_);
    }

    unsigned lanes_of(unsigned warp) const {
        return std::min(warp_lanes, count_ - warp * warp_lanes);
    }

    /// Fibres are kept from launch to launch: a stack costs more than a small kernel.
    static Fibre* make_fibre() {
        static thread_local std::vector<std::unique_ptr<Fibre>> fibres;
        fibres.push_back(std::make_unique<Fibre>(&live));
        return fibres.back().get();
    }

    void resume(Fibre& fibre) {
        current_ = &fibre;
        place(fibre.thread);
        main_.switch_to(fibre);
    }
    void give_way() {
        Fibre* own = current_;
        own->switch_to(main_);
        place(own->thread);
    }
    static void place(unsigned thread) {
        threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y,
                     thread / blockDim.x / blockDim.y};
    }

    /// The life of a fibre: thread after thread, as long as there are any that nobody has begun.
    static void live() {
        Fibre::arrive(main_);
        for (;;) {
            Grid& grid = *running_;
            Fibre* own = grid.current_;
            while (grid.started_ < grid.count_) {
                const unsigned next = grid.started_++;
                own->thread = descending_ ? grid.count_ - 1 - next : next;
                place(own->thread);
                grid.call_(grid.kernel_);
                ++grid.finished_;
            }
            idle_.push_back(own);
            own->switch_to(main_);
        }
    }

    inline static thread_local Grid* running_ = nullptr;
    inline static thread_local bool descending_ = false;
    inline static thread_local std::vector<Fibre*> idle_;
    inline static thread_local Fibre main_;

    dim3 blocks_, threads_;
    Buffer<std::byte> shared_;
    unsigned count_;
    AsyncView view_;
    void (*call_)(const void*) = nullptr;
    const void* kernel_ = nullptr;
    bool broken_shuffle_ = false;
    unsigned started_ = 0, finished_ = 0;
    Fibre* current_ = nullptr;
    std::vector<Fibre*> at_barrier_;
    std::deque<Fibre*> ready_;
    std::vector<std::byte> exchanged_;
    std::vector<Copies> copies_;
    std::vector<Products> products_;
    struct Warpgroup {
        unsigned arrived = 0;
        std::pair<std::uint64_t, std::uint64_t> pair;
        std::vector<Fibre*> waiting;
    };
    std::vector<Warpgroup> warpgroups_;
    const char* complaint_ = nullptr;
    std::vector<unsigned> turns_, arrived_;
    std::vector<std::vector<Fibre*>> waiting_;
};

}  // namespace tessera::simt

inline void __syncthreads() { tessera::simt::Grid::running().wait_for_block(); }

/// All 32 lanes take part, whatever the mask says.
template <class T>
T __shfl_xor_sync(unsigned, T value, int lanes) {
    static_assert(sizeof(T) <= sizeof(std::uint64_t));
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    const unsigned lane = threadIdx.x % tessera::simt::warp_lanes;
    bits = tessera::simt::Grid::running().exchange(bits, lane ^ static_cast<unsigned>(lanes));
    std::memcpy(&value, &bits, sizeof(T));
    return value;
}
