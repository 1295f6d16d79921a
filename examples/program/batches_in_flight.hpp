// SPDX-License-Identifier: MIT
// Batches through a network on the device, two in flight: while it works on one, the outputs of the
// one before cross the bus and are taken, and the processor prepares the samples of the next.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "tessera/backend/cuda/runtime.cuh"
#include "tessera/net/model.hpp"

namespace program {

using namespace tessera;

/// `take(outputs)` gets a View of the host for every batch, in order, good until it returns.
///
/// The samples need no second buffer: those of the next batch are written by work of this thread,
/// which the device does behind the network's work on the one before.
template <class ModelType, class Take>
class BatchesInFlight {
    using Memory = typename ModelType::Memory;
    using Number = typename ModelType::Element;

public:
    /// The network must outlive this.
    BatchesInFlight(const ModelType& model, int batch, Take take)
        : model_(model),
          batch_(batch),
          take_(std::move(take)),
          workspace_(model.workspace(batch)),
          samples_(batch * ModelType::input.size()) {
        for (Outputs& outputs : outputs_) {
            outputs.rows = Buffer<Number, cuda::PinnedMemory>(batch * ModelType::output.size());
        }
    }

    /// Samples that the batch has room for.
    int room() const { return batch_ - filled_; }

    /// The next `count` samples of the batch, at most room(), for this thread's work to write.
    View<Number, Memory> samples(int count) {
        Number* first = samples_.data() + filled_ * ModelType::input.size();
        filled_ += count;
        return {first, count, ModelType::input};
    }

    /// Sends the samples on their way through the network, then waits for the batch before.
    void run() {
        if (filled_ == 0) return;
        Outputs& own = outputs_[turn_];
        turn_ = 1 - turn_;
        outputs_[turn_].arrived.hold();  // the network writes where they come from
        const View<const Number, Memory> out = model_.forward(
            workspace_, View<const Number, Memory>{samples_.data(), filled_, ModelType::input});
        computed_.record();
        stream_.hold(computed_);
        stream_.download(own.rows.data(), out.data,
                         static_cast<std::size_t>(out.size()) * sizeof(Number));
        stream_.record(own.arrived);
        own.batch = std::exchange(filled_, 0);
        take(outputs_[turn_]);
    }

    /// Waits for the last batch that was sent.
    void finish() { take(outputs_[1 - turn_]); }

private:
    struct Outputs {
        Buffer<Number, cuda::PinnedMemory> rows;
        cuda::Event arrived;
        int batch = 0;  // rows on their way
    };

    void take(Outputs& outputs) {
        if (outputs.batch == 0) return;
        outputs.arrived.wait();
        take_(View<const Number>{outputs.rows.data(), std::exchange(outputs.batch, 0),
                                 ModelType::output});
    }

    const ModelType& model_;
    int batch_;
    Take take_;
    typename ModelType::Workspace workspace_;
    Buffer<Number, Memory> samples_;
    int filled_ = 0;
    std::array<Outputs, 2> outputs_;
    std::size_t turn_ = 0;  // of the batch that is written
    cuda::Event computed_;
    cuda::SideStream stream_;  // goes first, and waits
};

}  // namespace program
