// SPDX-License-Identifier: MIT
// Graph: what a pass asks of the device, as one launch.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "tessera/backend/cuda/staging.cuh"

namespace tessera::cuda {

/// Work that is recorded once and replayed as often as wanted, at the cost of one launch.
///   Graph graph;
///   graph.run([&] { model.forward(workspace, input, random); });  // as if body() were called
/// run() calls body() each time, so that kernels get the numbers that they would have now; where
/// body() asks for other work than was recorded, that is simply done. So body() does nothing but
/// ask the device for work, by launch() and the functions of DeviceMemory, in memory that is still
/// there afterwards, and may be called twice for one run. Of one thread.
///
/// Within body(), copies from the host are made at once, from pinned memory, ahead of all its work:
/// the host does not wait for them and may change what was copied.
class Graph : detail::Listener {
public:
    Graph() = default;
    Graph(Graph&&) = default;
    Graph& operator=(Graph&&) = default;

    /// What body() asks for, done now. The first time, and whenever body() asks for other work than
    /// the time before, that is so without a recording; the second time the work is recorded.
    template <class Body>
    void run(const Body& body) {
        run_work(detail::Work(body));
    }

    /// Calls body(), whose work is not done now. Throws CannotRecord, an Error, when body() waits
    /// for a result, or copies from the host to one place twice; what was recorded before stays
    /// then. Copies from the host are left out.
    template <class Body>
    void record(const Body& body) {
        record_work(detail::Work(body));
    }
    /// Does what was recorded or run last, with its addresses and numbers.
    ///   graph.record([&] { model.forward(workspace, input); });
    ///   graph.replay();  // for whatever lies in the input's memory now
    void replay() {
        require(!requests_.empty(), "CUDA: nothing was recorded");
        require(!detail::listener, "CUDA: a recording cannot be part of another");
        tape_.replay();
    }

private:
    /// The length of a call of body() that is listened to.
    struct Hearing {
        Hearing(Graph& graph, bool recording) {
            require(!detail::listener, "CUDA: a recording cannot be part of another");
            graph.recording_ = recording;
            graph.next_ = 0;
            graph.strayed_ = false;
            graph.uploaded_.clear();
            detail::listener = &graph;
        }
        ~Hearing() { detail::listener = nullptr; }
    };

    void run_work(const detail::Work& body) {
        if (follow(body)) {
            strange_ = 0;
            return replay();
        }
        if (++strange_ == 2) {
            strange_ = 0;
            if (can_record(body) && follow(body)) return replay();
        }
        body();
    }
    void record_work(const detail::Work& body) {
        Graph made;
        {
            const Hearing hearing(made, true);
            made.tape_.record(body);
        }
        requests_ = std::move(made.requests_);
        tape_ = std::move(made.tape_);
    }
    bool can_record(const detail::Work& body) {
        try {
            record_work(body);
            return true;
        } catch (const CannotRecord&) {
            return false;
        }
    }
    /// Whether body() asks for the work that was recorded; it then has the numbers of now.
    bool follow(const detail::Work& body) {
        if (requests_.empty()) return false;
        const Hearing hearing(*this, false);
        try {
            body();
        } catch (const CannotRecord&) {
            return false;
        }
        return !strayed_ && next_ == requests_.size();
    }

    bool hear(const detail::Request& request) override {
        if (recording_) {
            requests_.add(request);
            return tape_.take(request);
        }
        strayed_ = strayed_ || next_ == requests_.size() || !requests_.admits(next_, request);
        if (!strayed_ && !requests_.same_numbers(next_, request)) {
            requests_.change(next_, request);
            tape_.change(next_, request);
        }
        ++next_;
        return false;
    }
    void done(const detail::Request& request) override { tape_.done(request); }

    void upload(void* to, const void* from, std::size_t bytes) override {
        if (std::find(uploaded_.begin(), uploaded_.end(), to) != uploaded_.end()) {
            throw CannotRecord("CUDA: a recording cannot copy from the host to one place twice");
        }
        uploaded_.push_back(to);
        if (recording_) return;
        detail::listener = nullptr;
        Staging& staging = staging_[to];
        const auto size = static_cast<Index>(bytes);
        if (bytes > 0) std::memcpy(staging.begin(size), from, bytes);
        if (bytes > 0) staging.send(to, size);
        detail::listener = this;
    }

    detail::Requests requests_;
    detail::Tape tape_;
    std::map<void*, Staging> staging_;  // for each place that is copied to
    std::vector<void*> uploaded_;       // in this pass
    bool recording_ = false;
    bool strayed_ = false;  // body() asked for what was not recorded
    std::size_t next_ = 0;  // request
    int strange_ = 0;       // runs in a row that were not those recorded
};

}  // namespace tessera::cuda
