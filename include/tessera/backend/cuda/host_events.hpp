// SPDX-License-Identifier: MIT
// Queues that wait for each other, on a device that is the processor: the counterpart of
// device_events.cuh for tests without a GPU.
//
// A copy beside the program is as late as it can be: it is made when somebody waits for it. Who
// reads too early finds the old numbers, who changes or releases its source too early spoils it.
#pragma once

#include <cstddef>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "tessera/backend/cuda/host_device.hpp"

namespace tessera::cuda {

/// As PinnedMemory of device_events.cuh.
struct PinnedMemory : HostMemory {};

namespace detail {

/// Work that waits to be done, in order.
struct LateWork {
    std::deque<std::function<void()>> waiting;
    long done = 0;

    long asked() const { return done + static_cast<long>(waiting.size()); }
    void catch_up(long until) {
        while (done < until) {
            const auto work = std::move(waiting.front());
            waiting.pop_front();
            ++done;
            const Access access;
            work();
        }
    }
};

}  // namespace detail

/// As Event of device_events.cuh.
class Event {
public:
    Event() = default;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;

    /// The calling thread's work is done at once: there is nothing to wait for.
    void record() { work_ = nullptr; }
    void hold() const { wait(); }
    void wait() const {
        if (work_) work_->catch_up(until_);
    }

private:
    friend class SideStream;
    std::shared_ptr<detail::LateWork> work_;
    long until_ = 0;
};

/// As SideStream of device_events.cuh.
class SideStream {
public:
    SideStream() = default;
    SideStream(const SideStream&) = delete;
    SideStream& operator=(const SideStream&) = delete;
    ~SideStream() { work_->catch_up(work_->asked()); }

    void upload(void* to, const void* from, std::size_t bytes) {
        work_->waiting.push_back([=] { std::memcpy(to, from, bytes); });
    }
    void download(void* to, const void* from, std::size_t bytes) { upload(to, from, bytes); }
    void record(Event& event) {
        event.work_ = work_;
        event.until_ = work_->asked();
    }
    void hold(const Event& event) {
        if (event.work_ == work_) return;
        work_->waiting.push_back([other = event.work_, until = event.until_] {
            if (other) other->catch_up(until);
        });
    }

private:
    std::shared_ptr<detail::LateWork> work_ = std::make_shared<detail::LateWork>();
};

}  // namespace tessera::cuda
