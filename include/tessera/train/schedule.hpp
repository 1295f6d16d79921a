// SPDX-License-Identifier: MIT
// Learning-rate schedules: pure functions from where training stands to a factor on the rate.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "tessera/core/error.hpp"

namespace tessera {

/// `progress` is the fraction of the whole training that is done, in [0, 1].
constexpr double constant_schedule(double) { return 1; }

/// `factor` once after every `every` epochs.
inline double step_schedule(int epoch, int every, double factor = 0.1) {
    require(every > 0, "step_schedule: found a step every ", every, " epochs, expected 1 up");
    return std::pow(factor, epoch / every);
}

/// `factor` once for each milestone that has passed; the same for fractions and for epochs.
inline double multi_step_schedule(double at, std::span<const double> milestones,
                                  double factor = 0.1) {
    int passed = 0;
    for (const double milestone : milestones) passed += at >= milestone;
    return std::pow(factor, passed);
}

/// (1 - progress)^power: Caffe's "poly".
inline double polynomial_schedule(double progress, double power = 1) {
    return std::pow(std::clamp(1 - progress, 0.0, 1.0), power);
}

/// From 1 down to `last` along half a cosine (Loshchilov and Hutter, ICLR 2017, without restarts).
inline double cosine_schedule(double progress, double last = 0) {
    return last +
           (1 - last) * 0.5 * (1 + std::cos(3.141592653589793 * std::clamp(progress, 0.0, 1.0)));
}

/// Up to 1 along a line over the first `length` of the training; multiply it with another schedule.
constexpr double warm_up(double progress, double length, double first = 0) {
    if (length <= 0 || progress >= length) return 1;
    return first + (1 - first) * progress / length;
}

/// The paper's rule: divide the rate by ten when the loss has stopped falling, stop after three
/// rates.
struct Plateau {
    double factor = 0.1;
    int patience = 3;            ///< epochs without improvement that count as a standstill
    double improvement = 0.005;  ///< relative to the best loss so far
    int drops = 2;               ///< with the first rate, three rounds
};

struct PlateauState {
    int drops = 0;
    bool finished = false;  ///< a standstill at the last rate
};

/// Where the rule stands after a history of one loss an epoch. Replayed from the beginning at each
/// call, so a resumed training needs nothing but the history.
inline PlateauState plateau_state(const Plateau& rule, std::span<const double> losses) {
    PlateauState state;
    double best = std::numeric_limits<double>::infinity();
    int waited = 0;
    for (double loss : losses) {
        if (loss < best * (1 - rule.improvement)) {
            best = loss;
            waited = 0;
        } else if (++waited >= rule.patience) {
            waited = 0;
            if (state.drops == rule.drops)
                state.finished = true;
            else
                ++state.drops;
        }
    }
    return state;
}

inline double plateau_schedule(const Plateau& rule, std::span<const double> losses) {
    return std::pow(rule.factor, plateau_state(rule, losses).drops);
}

}  // namespace tessera
