// SPDX-License-Identifier: MIT
// UploadedBatches: batches of bytes on their way to the device. Threads gather the next ones in
// pinned memory; one crosses the bus while the network works on the one before.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <utility>

#include "tessera/backend/cuda/runtime.cuh"
#include "tessera/data/loader.hpp"

namespace tessera::cuda {

/// A `Gathered` is a batch in the host's memory; its member send(stream, to, samples) begins the
/// upload of what it gathered. To be used by one thread.
template <class Gathered>
class UploadedBatches {
public:
    /// `bytes` of the device hold any batch. Throws Error for options that make no sense.
    UploadedBatches(const LoaderOptions& options, const std::function<Gathered()>& make,
                    typename Loader<Gathered>::Produce produce, Index bytes)
        : loader_(options, make, std::move(produce)), pixels_(bytes) {}

    /// Per epoch.
    long batches() const { return static_cast<long>(loader_.batches()); }

    /// Begins an epoch at one of its batches; what is left of another epoch is dropped.
    void start(int epoch, long position) {
        sent_.wait();  // the loader fills its memory again
        coming_ = {};
        failure_ = nullptr;
        loader_.start(static_cast<std::uint32_t>(epoch), position);
        send_next();
    }

    /// Calls use(gathered, samples, pixels), which asks the device for what is to be done with the
    /// next batch, now at `pixels` on the device; neither is good after it has returned. False,
    /// without a call, after the epoch's last batch. Throws what Loader::next() throws.
    template <class Use>
    bool next(const Use& use) {
        if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
        if (!coming_.batch) return false;
        sent_.hold();
        use(*coming_.batch, static_cast<int>(coming_.samples.size()),
            static_cast<const std::uint8_t*>(pixels_.data()));
        used_.record();
        sent_.wait();  // what was sent a step ago goes back to the loader
        send_next();
        return true;
    }

private:
    /// Sends the next batch, if any, on its way, behind the use of the one before. A failure is
    /// told when its batch's turn comes.
    void send_next() {
        coming_ = {};
        try {
            coming_ = loader_.next();
        } catch (...) {
            failure_ = std::current_exception();
        }
        if (!coming_.batch) return;
        stream_.hold(used_);
        coming_.batch->send(stream_, pixels_.data(), static_cast<int>(coming_.samples.size()));
        stream_.record(sent_);
    }

    Loader<Gathered> loader_;
    Buffer<std::uint8_t, DeviceMemory> pixels_;  // of the batch on its way
    Event sent_;                                 // pixels_ are there,
    Event used_;                                 // and are no longer needed
    typename Loader<Gathered>::Loaded coming_;
    std::exception_ptr failure_;
    SideStream stream_;  // goes first, and waits
};

}  // namespace tessera::cuda
