// SPDX-License-Identifier: MIT
// SkippedSamples: which samples of a data set could not be produced, and what was said of the
// first.
#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <vector>

#include "tessera/core/shape.hpp"

namespace tessera {

namespace detail {
inline std::string words_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& known) {
        return known.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}
}  // namespace detail

/// Each sample counts once, in however many epochs it fails.
class SkippedSamples {
public:
    explicit SkippedSamples(Index samples) : failed_(static_cast<std::size_t>(samples)) {}

    void add(Index sample, const std::exception_ptr& error) {
        char& failed = failed_[static_cast<std::size_t>(sample)];
        if (failed) return;
        failed = true;
        ++count_;
        if (complaints_.size() < 10) complaints_.push_back(detail::words_of(error));
    }

    Index count() const { return count_; }
    bool all() const { return count_ == static_cast<Index>(failed_.size()); }
    /// What the first ten threw.
    const std::vector<std::string>& complaints() const { return complaints_; }

private:
    std::vector<char> failed_;
    Index count_ = 0;
    std::vector<std::string> complaints_;
};

}  // namespace tessera
