// SPDX-License-Identifier: MIT
// The time that each layer of a network is expected to take, as a table in Markdown: from FLOPs and
// bytes alone, nothing measured.
#pragma once

#include <array>
#include <cstdio>
#include <string>

#include "work.hpp"

namespace bench {

namespace detail {

/// The work of one kind of elements, and how long it is expected to take.
struct Predicted {
    Work work{};
    double ms = 0;

    void add(const Work& more, double flop_rate, double byte_rate) {
        work += more;
        ms += 1e3 * more.seconds(flop_rate, byte_rate);
    }
    Predicted& operator+=(const Predicted& other) {
        work += other.work;
        ms += other.ms;
        return *this;
    }
};

/// Forward and back, a row of the table.
struct PredictedLayer {
    Predicted forward{}, backward{};

    PredictedLayer& operator+=(const PredictedLayer& other) {
        forward += other.forward;
        backward += other.backward;
        return *this;
    }
};

/// Layer i, or with i = Depth the update, for elements of so many bytes. Products run at
/// `product_rate`, everything else on CUDA cores. The gradient of the network's input is not
/// wanted.
template <std::size_t Depth>
PredictedLayer predict(const std::array<LayerInfo, Depth>& layers, std::size_t i, int batch,
                       double element_bytes, double product_rate, const Ceilings& ceilings) {
    PredictedLayer found;
    if (i == Depth) {
        double parameters = 0;
        for (const LayerInfo& layer : layers) {
            parameters += static_cast<double>(layer.parameters.total());
        }
        found.backward.add(update_work(parameters, element_bytes), ceilings.float32, ceilings.copy);
        return found;
    }
    const double rate = is_product(layers[i]) ? product_rate : ceilings.float32;
    found.forward.add(forward_work_at(layers, i, batch, element_bytes), rate, ceilings.copy);
    found.backward.add(backward_parameters_work(layers[i], batch, element_bytes), rate,
                       ceilings.copy);
    if (i > 0) {
        found.backward.add(backward_data_work_at(layers, i, batch, element_bytes), rate,
                           ceilings.copy);
    }
    return found;
}

inline void print_half(const Predicted& float32, const Predicted& bfloat16) {
    std::printf(" %.2f | %.1f | %.3f | %.1f | %.3f |", float32.work.flops * 1e-9,
                float32.work.bytes * 1e-6, float32.ms, bfloat16.work.bytes * 1e-6, bfloat16.ms);
}

inline void print_row(const std::string& name, const PredictedLayer& float32,
                      const PredictedLayer& bfloat16) {
    std::printf("| %s |", name.c_str());
    print_half(float32.forward, bfloat16.forward);
    print_half(float32.backward, bfloat16.backward);
    std::printf("\n");
}

}  // namespace detail

/// A training step of a network for a batch, with elements of float and of bfloat16.
template <class Net>
void print_prediction(tessera::Shape input, int batch, const Ceilings& ceilings) {
    const auto of_float = tessera::describe<Net>(input, 4);
    const auto of_bfloat16 = tessera::describe<Net>(input, 2);
    std::printf(
        "| batch %d | GFLOP | MB, float | ms | MB, bf16 | ms | back: GFLOP | MB, float | ms | "
        "MB, bf16 | ms |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
        batch);
    detail::PredictedLayer float32_sum, bfloat16_sum;
    for (std::size_t i = 0; i <= of_float.size(); ++i) {
        const auto float32 = detail::predict(of_float, i, batch, 4, ceilings.float32, ceilings);
        const auto bfloat16 =
            detail::predict(of_bfloat16, i, batch, 2, ceilings.bfloat16, ceilings);
        detail::print_row(i < of_float.size() ? layer_label(of_float, i) : "update of the weights",
                          float32, bfloat16);
        float32_sum += float32;
        bfloat16_sum += bfloat16;
    }
    detail::print_row("all", float32_sum, bfloat16_sum);
}

}  // namespace bench
