// SPDX-License-Identifier: MIT
// Products that a warpgroup has begun and not yet waited for, on the processor that plays the GPU:
// the part of each thread, whose sums lie in its registers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <limits>
#include <list>
#include <utility>
#include <vector>

namespace tessera::simt {

/// A product is done at the last moment, when its thread waits for it; until then its sums hold
/// NaN, and what becomes of its operands meanwhile counts. So it shows when sums are read, or the
/// place of an operand is filled anew, too early.
class Products {
public:
    /// Whether these sums may be given to a product: registers that a thread has touched need a
    /// fence first, not so those of a product that goes on.
    bool may_begin(const float* sums) { return fenced_ || find(sums) != open_sums_.end(); }

    /// Begins work(values), which adds to `count` sums.
    void begin(float* sums, std::size_t count, std::function<void(float*)> work) {
        auto found = find(sums);
        if (found == open_sums_.end()) {
            open_sums_.push_back({sums, {sums, sums + count}, 0});
            found = --open_sums_.end();
            for (std::size_t i = 0; i < count; ++i) {
                sums[i] = std::numeric_limits<float>::quiet_NaN();
            }
        }
        ++found->products;
        open_.push_back({found, std::move(work), groups_});
    }
    void fence() { fenced_ = true; }
    /// Ends a group: those begun since the last one.
    void commit() { ++groups_; }
    /// Does all groups but the `left` last. Sums are back when no product of theirs is left.
    void wait(long left) {
        while (!open_.empty() && open_.front().group < groups_ - left) {
            const Product& product = open_.front();
            product.work(product.sums->values.data());
            if (--product.sums->products == 0) {
                const std::vector<float>& values = product.sums->values;
                for (std::size_t i = 0; i < values.size(); ++i) product.sums->place[i] = values[i];
                open_sums_.erase(product.sums);
                fenced_ = false;
            }
            open_.pop_front();
        }
    }
    void forget() {
        open_.clear();
        open_sums_.clear();
        groups_ = 0;
        fenced_ = false;
    }

private:
    struct Sums {
        float* place;
        std::vector<float> values;
        int products;
    };
    struct Product {
        std::list<Sums>::iterator sums;
        std::function<void(float*)> work;
        long group;
    };

    std::list<Sums>::iterator find(const float* sums) {
        return std::find_if(open_sums_.begin(), open_sums_.end(),
                            [&](const Sums& open) { return open.place == sums; });
    }

    std::list<Sums> open_sums_;
    std::deque<Product> open_;
    long groups_ = 0;
    bool fenced_ = false;
};

}  // namespace tessera::simt
