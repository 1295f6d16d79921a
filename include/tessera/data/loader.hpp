// SPDX-License-Identifier: MIT
// Loader: threads that prepare the next batches while the present one is in use.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/random.hpp"
#include "tessera/core/shape.hpp"
#include "tessera/core/thread.hpp"
#include "tessera/data/skipped_samples.hpp"

namespace tessera {

/// What happens when a sample cannot be produced: the Error reaches the consumer in place of the
/// batch, or the sample is blanked and counted.
enum class BadSample { stop, skip };

struct LoaderOptions {
    Index samples = 0;
    int batch = 1;
    int workers = 1;   ///< threads; 0 works on the consumer's thread
    int prefetch = 2;  ///< batches prepared ahead of the one in use
    std::uint64_t seed = 0;
    bool shuffle = true;
    bool whole_batches = false;  ///< leave out the samples of an incomplete last batch
    BadSample bad = BadSample::stop;
};

/// Where a sample belongs. It depends on (seed, epoch) only, so random decisions keyed by it do
/// too.
struct LoaderSample {
    Index index = 0;   ///< in the data set
    Index batch = 0;   ///< in the epoch
    int position = 0;  ///< in the batch
    std::uint32_t epoch = 0;
};

/// Fills `order` with 0 .. order.size() - 1 in the order of an epoch.
inline void shuffle_epoch(std::vector<Index>& order, std::uint64_t seed, std::uint32_t epoch) {
    std::iota(order.begin(), order.end(), Index{0});
    Random({.seed = seed, .purpose = Purpose::shuffle, .epoch = epoch}).shuffle(order);
}

/// Batches arrive in order and with the same samples at the same positions whatever the number of
/// workers. `Batch` is any movable type that holds the rows of a batch; prefetch + 1 of them are
/// made once and filled again and again.
///
/// A sample that fails under BadSample::skip keeps its position: `blank` makes the row harmless
/// (zeros, and a label that the loss leaves out), and its index reads -1.
template <class Batch>
class Loader {
public:
    /// Fills row sample.position of the batch. Runs in several threads at once, on one batch too:
    /// rows must be memory of their own (no std::vector<bool>).
    using Produce = std::function<void(const LoaderSample& sample, Batch& batch)>;

    /// A batch in use, until the next call of next().
    struct Loaded {
        Batch* batch = nullptr;
        Index number = 0;                ///< in the epoch
        std::span<const Index> samples;  ///< index of each row, -1 where skipped
    };

    /// Throws Error for options that make no sense; `blank` is needed for BadSample::skip.
    Loader(const LoaderOptions& options, const std::function<Batch()>& make, Produce produce,
           Produce blank = {})
        : options_(options),
          produce_(std::move(produce)),
          blank_(std::move(blank)),
          skipped_(std::max(options.samples, Index{0})) {
        require(options.samples > 0 && options.samples <= std::numeric_limits<std::int32_t>::max(),
                "loader: found ", options.samples, " samples, expected 1 to 2^31 - 1");
        require(options.batch > 0, "loader: found batch size ", options.batch, ", expected 1 up");
        require(options.workers >= 0 && options.prefetch >= 1, "loader: found ", options.workers,
                " workers and ", options.prefetch, " batches ahead, expected from 0 and from 1");
        require(batches() > 0, "loader: found ", options.samples,
                " samples, expected at least one whole batch of ", options.batch);
        require(options.bad == BadSample::stop || blank_,
                "loader: skipping needs a blank function");
        order_.resize(static_cast<std::size_t>(options.samples));
        for (int i = 0; i <= options.prefetch; ++i) {
            slots_.push_back(
                Slot{.batch = make(),
                     .samples = std::vector<Index>(static_cast<std::size_t>(options.batch))});
        }
        try {
            for (int i = 0; i < options.workers; ++i) threads_.emplace_back([this] { work(); });
        } catch (...) {
            join();
            throw;
        }
    }
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;
    ~Loader() { join(); }

    /// Per epoch.
    Index batches() const {
        const Index whole = options_.samples / options_.batch;
        const bool rest = options_.samples % options_.batch != 0 && !options_.whole_batches;
        return whole + (rest ? 1 : 0);
    }

    /// Begins an epoch at one of its batches; what is left of another epoch is dropped. A run that
    /// resumes in the middle of an epoch gets the batches it would have got.
    void start(std::uint32_t epoch, Index first_batch = 0) {
        require(first_batch >= 0 && first_batch <= batches(), "loader: found first batch ",
                first_batch, ", expected 0..", batches());
        const Lock lock(mutex_);
        drop();
        epoch_ = epoch;
        if (options_.shuffle) {
            shuffle_epoch(order_, options_.seed, epoch);
        } else {
            std::iota(order_.begin(), order_.end(), Index{0});
        }
        next_ = held_ = first_batch;
        ticket_ = first_batch * options_.batch;
        end_ = std::min(batches() * options_.batch, options_.samples);
        free_.notify_all();
    }

    /// The next batch, or one without `batch` at the end of the epoch. Under BadSample::stop,
    /// throws what the first bad sample of the batch threw; throws Error when a whole batch of
    /// options.batch > 1 is bad, or all samples there are. After a throw the epoch has ended.
    Loaded next() {
        const Lock lock(mutex_);
        held_ = next_;
        free_.notify_all();
        if (ticket_ < 0 || next_ == batches()) return {};
        Slot& slot = slot_of(next_);
        const auto ready = [&] {
            return ticket_ >= std::min((next_ + 1) * options_.batch, end_) && slot.missing == 0;
        };
        while (options_.workers == 0 && !ready()) produce_one();
        ready_.wait(mutex_, ready);
        const bool hopeless = slot.bad == slot.size &&
                              ((slot.size == options_.batch && slot.size > 1) || skipped_.all());
        if (slot.stop || hopeless) {
            drop();
            if (slot.stop) std::rethrow_exception(slot.error);
            fail("loader: all ", slot.size, " samples of batch ", next_,
                 " are bad, the first: ", detail::words_of(slot.error));
        }
        const auto size = static_cast<std::size_t>(slot.size);
        return {&slot.batch, next_++, std::span<const Index>(slot.samples).first(size)};
    }

    /// Different samples that were skipped so far.
    Index skipped() const {
        const Lock lock(mutex_);
        return skipped_.count();
    }
    /// What the first few of them threw.
    std::vector<std::string> complaints() const {
        const Lock lock(mutex_);
        return skipped_.complaints();
    }

private:
    struct Slot {
        Batch batch;
        std::vector<Index> samples;
        int size = 0;
        int missing = 0;  // rows not yet done
        int bad = 0;
        int first_bad = 0;  // row that `error` is of
        bool stop = false;  // `error` may not be skipped
        std::exception_ptr error{};
    };

    Slot& slot_of(Index batch) {
        return slots_[static_cast<std::size_t>(batch % std::ssize(slots_))];
    }

    /// Batch `held_` is in use, or wanted; the slots of older ones are free.
    bool may_produce() const {
        return ticket_ >= 0 && ticket_ < end_ &&
               ticket_ / options_.batch < held_ + std::ssize(slots_);
    }

    void work() {
        const Lock lock(mutex_);
        for (;;) {
            free_.wait(mutex_, [this] { return stopping_ || may_produce(); });
            if (stopping_) return;
            produce_one();
        }
    }

    /// Takes one ticket, that is one row, and fills it without holding the mutex.
    void produce_one() {
        LoaderSample sample{.index = order_[static_cast<std::size_t>(ticket_)],
                            .batch = ticket_ / options_.batch,
                            .position = static_cast<int>(ticket_ % options_.batch),
                            .epoch = epoch_};
        Slot& slot = slot_of(sample.batch);
        if (sample.position == 0) {
            slot.size = slot.missing =
                static_cast<int>(std::min<Index>(options_.batch, end_ - ticket_));
            slot.bad = 0;
            slot.stop = false;
            slot.error = nullptr;
        }
        ++ticket_;
        ++busy_;
        mutex_.unlock();
        std::exception_ptr error;
        bool stop = false;
        try {
            produce_(sample, slot.batch);
        } catch (...) {
            error = std::current_exception();
            stop = options_.bad == BadSample::stop || !blanked(sample, slot.batch, error);
        }
        mutex_.lock();
        slot.samples[static_cast<std::size_t>(sample.position)] = error ? -1 : sample.index;
        if (error) note(sample, slot, std::move(error), stop);
        --busy_;
        --slot.missing;
        if (slot.missing == 0 || busy_ == 0) ready_.notify_all();
    }

    /// False when blanking fails too; `error` is then the one that blanking threw.
    bool blanked(const LoaderSample& sample, Batch& batch, std::exception_ptr& error) const {
        try {
            blank_(sample, batch);
            return true;
        } catch (...) {
            error = std::current_exception();
            return false;
        }
    }

    /// Keeps the error of the first bad row, whichever thread was first.
    void note(const LoaderSample& sample, Slot& slot, std::exception_ptr error, bool stop) {
        if (!stop) skipped_.add(sample.index, error);
        const bool first = !slot.error || (stop && !slot.stop) ||
                           (stop == slot.stop && sample.position < slot.first_bad);
        if (first) {
            slot.error = std::move(error);
            slot.first_bad = sample.position;
        }
        slot.stop = slot.stop || stop;
        ++slot.bad;
    }

    /// Hands out no more tickets and waits for those in work. requires the mutex held, as does
    /// produce_one().
    void drop() {
        ticket_ = -1;
        ready_.wait(mutex_, [this] { return busy_ == 0; });
    }

    void join() {
        {
            const Lock lock(mutex_);
            stopping_ = true;
        }
        free_.notify_all();
        threads_.clear();
    }

    LoaderOptions options_;
    Produce produce_, blank_;
    std::vector<Slot> slots_;   // batch b lies in slot b modulo their number
    std::vector<Index> order_;  // of the epoch

    mutable Mutex mutex_;
    Condition free_;   // there may be tickets
    Condition ready_;  // a batch is complete, or nothing is in work
    std::uint32_t epoch_ = 0;
    Index ticket_ = -1;  // the next row of the epoch; -1 when there is no epoch
    Index end_ = 0;      // rows in the epoch
    Index next_ = 0;     // the batch that next() returns next
    Index held_ = 0;     // the batch in use, or next_
    int busy_ = 0;       // rows in work
    bool stopping_ = false;
    SkippedSamples skipped_;
    std::vector<Thread> threads_;
};

}  // namespace tessera
