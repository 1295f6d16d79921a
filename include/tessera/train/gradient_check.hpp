// SPDX-License-Identifier: MIT
// The gradient check: does a layer's or a network's backward pass agree with its forward pass?
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "tessera/net/model.hpp"

namespace tessera {

struct GradientOptions {
    int batch = 2;
    std::uint64_t seed = 1;      ///< of input, parameters, projection, dropout, choice of elements
    double step = 1e-5;          ///< of the central difference
    int samples = 0;             ///< elements checked in each array; 0 is all of them
    bool input_gradient = true;  ///< false leaves it out, so that a frozen trunk is one
};

struct GradientReport {
    double error = 0;     ///< largest difference, relative to the largest gradient of its array
    std::string where;    ///< of the largest: "conv1.weight[17]", "input[3]"
    double expected = 0;  ///< by central differences
    double found = 0;     ///< by the backward pass
    Index checked = 0;    ///< elements
};

namespace detail {

/// The working parts of one check: the network's loss is the sum of its outputs times fixed random
/// numbers, whose gradient with respect to the output is these numbers.
template <class Model>
class GradientCheck {
    static_assert(std::is_same_v<typename Model::Element, double>,
                  "tessera: gradients are checked in double: Model<Net, Input, Backend, double>");
    static_assert(std::is_same_v<typename Model::Memory, HostMemory>,
                  "tessera: gradients are checked on the host: Reference or Cpu");

public:
    GradientCheck(Model& model, Shape input, const GradientOptions& options)
        : model_(model),
          options_(options),
          random_({options.seed, Purpose::sample}),
          workspace_(model.workspace(options.batch, Mode::training, input, options.input_gradient)),
          gradients_(model.gradients()),
          input_(uniform(options.batch * input.size())),
          shape_(input) {
        workspace_.fill(unwritten);
        const auto output = forward();
        projection_ = uniform(output.size());
        above_.resize(projection_.size());
    }

    GradientReport run() {
        backward();
        if (options_.input_gradient) {
            const View<double> found = workspace_.gradient(0);
            compare("input", input_, {found.data, found.data + found.size()});
        }
        for (int i = 0; i < Model::parameter_arrays; ++i) {
            const ParameterEntry& entry = model_.parameters().entry(i);
            if (entry.frozen) continue;
            const double* found = gradients_.data() + entry.offset;
            compare(model_.parameter_name(i), model_.parameters()[i],
                    {found, found + entry.info.count()});
        }
        return report_;
    }

private:
    /// As doubles, NaN: whoever reads what nobody wrote spreads it.
    static constexpr std::byte unwritten{0xFF};
    static constexpr double before = 0.5;

    std::vector<double> uniform(Index count) {
        std::vector<double> values(static_cast<std::size_t>(count));
        for (double& value : values) value = random_.uniform(-1, 1);
        return values;
    }

    View<const double> forward() {
        return model_.forward(workspace_, {input_.data(), options_.batch, shape_},
                              {options_.seed, Purpose::dropout});
    }

    /// Parameter gradients begin at a number that is not zero: they must be added to.
    void backward() {
        std::fill(gradients_.begin(), gradients_.end(), before);
        const std::vector<double> kept_input = input_;
        forget_undeclared();
        require(workspace_.gradient(Model::depth).data != nullptr,
                "check_gradients: nothing learns and the input's gradient is not wanted, expected "
                "something to check");
        std::copy(projection_.begin(), projection_.end(), workspace_.gradient(Model::depth).data);
        model_.backward(workspace_, gradients_);
        for (double& value : gradients_) value -= before;
        input_ = kept_input;
    }

    /// Overwrites all that no layer declared to need on the way back.
    void forget_undeclared() {
        const auto each_needed = [&](const auto& visit) {
            const auto visit_activation = [&](int i) {
                const View<double> view = workspace_.activation(i);
                visit(view.data, static_cast<std::size_t>(view.size()) * sizeof(double));
            };
            for (int i = workspace_.plan().trunk; i < Model::depth; ++i) {
                const LayerInfo& layer = workspace_.layer(i);
                if (i > 0 && layer.needs_input) visit_activation(i);
                if (layer.needs_output) visit_activation(i + 1);
                if (void* saved = workspace_.saved(i)) {
                    visit(saved, static_cast<std::size_t>(layer.saved_bytes * options_.batch));
                }
            }
        };
        std::string kept;
        each_needed([&](const void* data, std::size_t bytes) {
            kept.append(static_cast<const char*>(data), bytes);
        });
        workspace_.fill(unwritten);
        const char* from = kept.data();
        each_needed([&](void* data, std::size_t bytes) {
            std::memcpy(data, from, bytes);
            from += bytes;
        });
        if (!workspace_.layer(0).needs_input) {
            std::fill(input_.begin(), input_.end(), std::numeric_limits<double>::quiet_NaN());
        }
    }

    /// (loss(x + h) - loss(x - h)) / 2h; the outputs are subtracted before they are summed.
    double central_difference(double& value, double step) {
        const double centre = value;
        value = centre + step;
        const auto above = forward();
        std::copy_n(above.data, above.size(), above_.begin());
        value = centre - step;
        const auto below = forward();
        value = centre;
        double sum = 0;
        for (std::size_t i = 0; i < above_.size(); ++i) {
            sum += projection_[i] * (above_[i] - below[static_cast<Index>(i)]);
        }
        return sum / (2 * step);
    }

    void compare(const std::string& name, std::span<double> values,
                 const std::vector<double>& found) {
        std::vector<std::size_t> chosen(values.size());
        std::iota(chosen.begin(), chosen.end(), std::size_t{0});
        if (options_.samples > 0 && options_.samples < static_cast<int>(chosen.size())) {
            random_.shuffle(chosen);
            chosen.resize(static_cast<std::size_t>(options_.samples));
        }
        double largest = 1e-4;  // an array of zeros is compared absolutely
        for (const double value : found) largest = std::max(largest, std::abs(value));
        for (const std::size_t i : chosen) {
            // A kink (ReLU at 0, two equal maxima) within the step is gone within a smaller one; a
            // wrong gradient stays wrong.
            double expected = 0;
            double error = std::numeric_limits<double>::infinity();
            for (double step = options_.step; error > 1e-7 && step > options_.step / 100;
                 step /= 8) {
                const double slope = central_difference(values[i], step);
                const double apart = std::abs(slope - found[i]) / largest;
                if (apart < error || step == options_.step) expected = slope;
                if (apart < error) error = apart;
            }
            ++report_.checked;
            if (error >= report_.error) {
                report_ = {error, text(name, "[", i, "]"), expected, found[i], report_.checked};
            }
        }
    }

    Model& model_;
    GradientOptions options_;
    Random random_;
    typename Model::Workspace workspace_;
    typename Model::Gradients gradients_;
    std::vector<double> input_;
    Shape shape_;
    std::vector<double> projection_;
    std::vector<double> above_;
    GradientReport report_;
};

}  // namespace detail

/// Compares the backward pass of a model with central differences of a random projection of its
/// output, for the input and every parameter that learns, in training mode with one dropout mask.
/// It also sees memory that is read before it is written or without being declared (needs_input,
/// needs_output), and parameter gradients that are assigned and not added. `input` gives the
/// extents of a dynamic model. The parameters are as before afterwards. A right gradient of smooth
/// layers stays below 1e-6.
template <class Net, Shape Input, class Backend>
GradientReport check_gradients(Model<Net, Input, Backend, double>& model,
                               const GradientOptions& options = {}, Shape input = Input) {
    return detail::GradientCheck(model, input, options).run();
}

/// The same for a network or a single layer with random parameters:
///   check_gradients<Lrn<>, Shape{8, 3, 3}, Reference>().error < 1e-6
template <class Net, Shape Input, class Backend>
GradientReport check_gradients(const GradientOptions& options = {}, Shape input = Input) {
    Model<Net, Input, Backend, double> model;
    Random random({options.seed, Purpose::initialise});
    for (int i = 0; i < model.parameters().count(); ++i) {
        const double fan_in = static_cast<double>(model.parameters().entry(i).info.fan_in());
        for (double& value : model.parameters()[i]) {
            value = std::sqrt(3 / std::max(3.0, fan_in)) * random.uniform(-1, 1);
        }
    }
    return check_gradients(model, options, input);
}

}  // namespace tessera
