// SPDX-License-Identifier: MIT
// Which patches to train on: a share of the background, and classes in balance.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/random.hpp"
#include "tessera/core/shape.hpp"

namespace tessera {

/// Keeps a random share of the background patches and, elsewhere, all others: 10 % in Oquab et al.
/// 2014, section 3.2, in place of weights in the loss.
struct BackgroundSampling {
    double fraction = 0.1;
    std::uint64_t seed = 0;
    /// Another draw for each epoch; leave it at 0 to draw once. (The paper does not say.)
    std::uint32_t epoch = 0;

    /// A pure function of the numbers of image and patch: independent of order and threads.
    constexpr bool keeps(std::uint32_t image, std::uint32_t patch) const {
        const Stream stream{
            .seed = seed, .purpose = Purpose::sample, .epoch = image, .sample = patch};
        return random_block(stream, epoch)[0] * 0x1p-32 < fraction;
    }
};

/// `count` indices into `labels`, every class of 0 .. classes - 1 that occurs with equal chance at
/// every draw; inside a class all samples are used before one returns. Depends on (seed, epoch)
/// alone. Throws Error for a label outside the classes, or when there is nothing to draw from.
inline std::vector<Index> balanced_order(std::span<const int> labels, int classes, Index count,
                                         std::uint64_t seed, std::uint32_t epoch = 0) {
    std::vector<std::vector<Index>> members(std::size_t(std::max(classes, 0)));
    for (std::size_t i = 0; i < labels.size(); ++i) {
        require(labels[i] >= 0 && labels[i] < classes, "balanced_order: label ", labels[i],
                " at sample ", i, ", expected 0 to ", classes - 1);
        members[std::size_t(labels[i])].push_back(Index(i));
    }
    std::erase_if(members, [](const auto& list) { return list.empty(); });
    require(count == 0 || !members.empty(), "balanced_order: no sample to draw from");
    // Streams of their own: sample 0 chooses classes, sample c + 1 shuffles class c.
    auto stream = [&](std::size_t number) {
        return Random({seed, Purpose::balance, epoch, static_cast<std::uint32_t>(number)});
    };
    std::vector<Random> shuffles;
    for (std::size_t c = 0; c < members.size(); ++c) shuffles.push_back(stream(c + 1));
    std::vector<std::size_t> used(members.size(), 0);
    std::vector<Index> order(static_cast<std::size_t>(count));
    Random chooser = stream(0);
    for (Index& index : order) {
        const auto c = std::size_t(chooser.below(static_cast<std::uint32_t>(members.size())));
        std::vector<Index>& list = members[c];
        if (used[c] % list.size() == 0) shuffles[c].shuffle(list);
        index = list[used[c]++ % list.size()];
    }
    return order;
}

}  // namespace tessera
