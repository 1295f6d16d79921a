// SPDX-License-Identifier: MIT
// The time that each layer of a network is expected to take, as a table in Markdown: from FLOPs and
// bytes alone, nothing measured.
#pragma once

#include <cstdio>
#include <string>

#include "work.hpp"

namespace bench {

namespace detail {

struct PredictedMs {
    double float32 = 0, bfloat16 = 0;

    PredictedMs& operator+=(const PredictedMs& other) {
        float32 += other.float32;
        bfloat16 += other.bfloat16;
        return *this;
    }
};

/// Products run on tensor cores in the second case, everything else on CUDA cores in both.
inline PredictedMs predict(const Work& work, bool product, const Ceilings& ceilings) {
    const double float32 = 1e3 * work.seconds(ceilings.float32, ceilings.copy);
    return {float32, product ? 1e3 * work.seconds(ceilings.bfloat16, ceilings.copy) : float32};
}

inline void print_row(const std::string& name, const Work& forward, const PredictedMs& forward_ms,
                      const Work& backward, const PredictedMs& backward_ms) {
    std::printf("| %s | %.2f | %.1f | %.3f | %.3f | %.2f | %.1f | %.3f | %.3f |\n", name.c_str(),
                forward.flops * 1e-9, forward.bytes * 1e-6, forward_ms.float32, forward_ms.bfloat16,
                backward.flops * 1e-9, backward.bytes * 1e-6, backward_ms.float32,
                backward_ms.bfloat16);
}

}  // namespace detail

/// A training step of a network for a batch; the gradient of its input is not wanted.
template <class Net>
void print_prediction(tessera::Shape input, int batch, const Ceilings& ceilings) {
    const auto layers = tessera::describe<Net>(input);
    std::printf(
        "| batch %d | GFLOP | MB | ms, float | ms, bf16 | back: GFLOP | MB | ms, float | ms, bf16 "
        "|\n|---|---|---|---|---|---|---|---|---|\n",
        batch);
    Work forward_sum, backward_sum;
    detail::PredictedMs forward_ms_sum, backward_ms_sum;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const LayerInfo& layer = layers[i];
        const bool product = is_product(layer);
        const Work forward = forward_work(layer, batch, true);
        const detail::PredictedMs forward_ms = detail::predict(forward, product, ceilings);
        Work backward;
        detail::PredictedMs backward_ms;
        const auto add = [&](const Work& work) {
            backward += work;
            backward_ms += detail::predict(work, product, ceilings);
        };
        add(backward_parameters_work(layer, batch));
        if (i > 0) add(backward_data_work(layer, batch));
        detail::print_row(layer_label(layers, i), forward, forward_ms, backward, backward_ms);
        forward_sum += forward;
        forward_ms_sum += forward_ms;
        backward_sum += backward;
        backward_ms_sum += backward_ms;
    }
    const Work update = update_work(static_cast<double>(tessera::parameter_count<Net>(input)));
    const detail::PredictedMs update_ms = detail::predict(update, false, ceilings);
    detail::print_row("update of the weights", {}, {}, update, update_ms);
    backward_sum += update;
    backward_ms_sum += update_ms;
    detail::print_row("all", forward_sum, forward_ms_sum, backward_sum, backward_ms_sum);
}

}  // namespace bench
