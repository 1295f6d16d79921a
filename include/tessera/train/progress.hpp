// SPDX-License-Identifier: MIT
// Progress: where a training stands besides its arrays.
#pragma once

#include <vector>

namespace tessera {

struct Progress {
    long step = 0;                          ///< updates done
    int epoch = 0;                          ///< epochs done
    long position = 0;                      ///< batches done of the epoch under way
    double epoch_loss = 0;                  ///< sum over those batches
    std::vector<double> train_loss{};       ///< mean of each epoch
    std::vector<double> validation_loss{};  ///< at the end of each epoch

    friend bool operator==(const Progress&, const Progress&) = default;
};

}  // namespace tessera
