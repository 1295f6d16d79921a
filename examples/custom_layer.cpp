// SPDX-License-Identifier: MIT
// A layer of one's own, in one file outside the library: described, checked, and learning.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/train/gradient_check.hpp"

using namespace tessera;

/// y = x where x > 0, else slope[channel] * x, the slopes learned (He et al., ICCV 2015).
/// Plain loops over host memory, so it runs on any backend that computes there.
struct PRelu : Layer {
    static constexpr std::string_view kind = "prelu";
    static constexpr bool needs_input = true;  // backward reads x

    static constexpr ParameterList parameters(Shape in) {
        ParameterList list;
        list.add({.role = "weight", .outputs = in.channels});
        return list;
    }
    static constexpr double flops(Shape in) { return 2.0 * static_cast<double>(in.size()); }

    template <class Backend, class T>
    static void forward(const ForwardPass<T>& pass) {
        const T* slope = pass.parameters[0];
        const Index channels = pass.input.shape.channels;  // the innermost extent in memory
        for (Index i = 0; i < pass.input.size(); ++i) {
            const T x = pass.input[i];
            pass.output[i] = x > 0 ? x : slope[i % channels] * x;
        }
    }

    /// dx = dy * (1 or slope) is assigned; dslope = sum of dy * x where x < 0 is added.
    template <class Backend, class T>
    static void backward(const BackwardPass<T>& pass) {
        const T* slope = pass.parameters[0];
        const Index channels = pass.input.shape.channels;
        for (Index i = 0; i < pass.input.size(); ++i) {
            const T x = pass.input[i], dy = pass.output_gradient[i];
            if (T* dslope = pass.parameter_gradients[0]; dslope && !(x > 0)) {
                dslope[i % channels] += dy * x;
            }
            if (pass.input_gradient) pass.input_gradient[i] = x > 0 ? dy : slope[i % channels] * dy;
        }
    }
};

int main() {
    // Central differences in double, for the input and every parameter.
    const GradientReport report = check_gradients<PRelu, Shape{3, 4, 4}, Cpu>();
    std::printf("gradient check: %td elements, %s\n", report.checked,
                report.error < 1e-6 ? "all right" : report.where.c_str());

    // Learn f(x) = |x| - x / 2 from 64 points: two slopes are what it takes.
    constexpr int points = 64;
    Model<Seq<Linear<2>, PRelu, Linear<1>>, Shape{1}, Cpu> model;
    Random random({.seed = 1, .purpose = Purpose::initialise});
    for (int i = 0; i < model.parameters().count(); ++i) {
        for (float& value : model.parameters()[i]) value = random.uniform(-1, 1);
    }
    std::array<float, points> x{};
    for (int i = 0; i < points; ++i) x[i] = (i - points / 2) * 2.0f / points;

    auto workspace = model.training_workspace(points);
    auto gradients = model.gradients();
    for (int step = 0; step <= 2000; ++step) {
        const auto y = model.forward(workspace, {x.data(), points, model.input});
        const auto slope = workspace.gradient(model.depth);
        double loss = 0;  // mean of (y - f(x))^2 / 2
        for (int i = 0; i < points; ++i) {
            const float difference = y[i] - (std::abs(x[i]) - x[i] / 2);
            loss += difference * difference / 2 / points;
            slope[i] = difference / points;
        }
        if (step % 1000 == 0) std::printf("step %4d: loss %.3f\n", step, loss);

        std::fill(gradients.begin(), gradients.end(), 0.0f);  // backward adds to them
        model.backward(workspace, gradients);
        for (int i = 0; i < model.parameters().count(); ++i) {
            const float* gradient = gradients.data() + model.parameters().entry(i).offset;
            for (float& value : model.parameters()[i]) value -= 0.2f * *gradient++;
        }
    }
}
