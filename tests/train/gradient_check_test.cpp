// SPDX-License-Identifier: MIT
#include "tessera/train/gradient_check.hpp"

#include <doctest/doctest.h>

#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/layer/softmax.hpp"

using namespace tessera;

namespace {

/// What can go wrong in a backward pass.
enum class Mistake {
    none,
    wrong_factor,
    forgotten_write,
    assigned_parameter,
    wrong_parameter,
    undeclared_input,
};

/// y[i] = w x[i]^2 with one learned w, written without a backend's ops.
template <Mistake Made>
struct Square : Layer {
    static constexpr std::string_view kind = "square";
    static constexpr bool needs_input = Made != Mistake::undeclared_input;

    static constexpr ParameterList parameters(Shape) {
        ParameterList list;
        list.add({.role = "weight", .outputs = 1});
        return list;
    }
    template <class Backend, class T>
    static void forward(const ForwardPass<T>& pass) {
        const T w = pass.parameters[0][0];
        for (Index i = 0; i < pass.input.size(); ++i) {
            pass.output[i] = w * pass.input[i] * pass.input[i];
        }
    }
    template <class Backend, class T>
    static void backward(const BackwardPass<T>& pass) {
        const T w = pass.parameters[0][0];
        const Index size = pass.input.size();
        T slope = 0;
        for (Index i = 0; i < size; ++i) {
            slope += pass.input[i] * pass.input[i] * pass.output_gradient[i];
        }
        if (Made == Mistake::wrong_parameter) slope *= 2;
        if (T* dw = pass.parameter_gradients[0]) {
            *dw = Made == Mistake::assigned_parameter ? slope : *dw + slope;
        }
        if (!pass.input_gradient) return;
        const T factor = Made == Mistake::wrong_factor ? T(2.001) : T(2);
        const Index written = Made == Mistake::forgotten_write ? size - 1 : size;
        for (Index i = 0; i < written; ++i) {
            pass.input_gradient[i] = factor * w * pass.input[i] * pass.output_gradient[i];
        }
    }
};

template <Mistake Made>
GradientReport squared() {
    return check_gradients<Named<"square", Square<Made>>, Shape{2, 3, 2}, Reference>();
}

/// An in-place layer that reads its input on the way back: it must get a copy in training.
struct Steep : Square<Mistake::none> {
    static constexpr bool in_place = true;
};

}  // namespace

TEST_CASE("a right gradient passes, and every element is checked") {
    const GradientReport report = squared<Mistake::none>();
    CHECK(report.error < 1e-8);
    CHECK(report.checked == 2 * 12 + 1);
    CHECK(report.found == doctest::Approx(report.expected));
}

TEST_CASE("a wrong gradient is caught, and the report says where") {
    const GradientReport factor = squared<Mistake::wrong_factor>();
    CHECK(factor.error > 1e-4);
    CHECK(factor.where.substr(0, 6) == "input[");
    CHECK(factor.found / factor.expected == doctest::Approx(2.001 / 2));

    const GradientReport parameter = squared<Mistake::wrong_parameter>();
    CHECK(parameter.error == doctest::Approx(0.5));
    CHECK(parameter.where == "square.weight[0]");
    CHECK(parameter.found / parameter.expected == doctest::Approx(2));
}

TEST_CASE("an element nobody wrote is caught") {
    const GradientReport report = squared<Mistake::forgotten_write>();
    CHECK(std::isinf(report.error));
    CHECK(report.where == "input[23]");
}

TEST_CASE("a parameter gradient that is assigned and not added is caught") {
    const GradientReport report = squared<Mistake::assigned_parameter>();
    CHECK(report.error > 1e-3);
    CHECK(report.where == "square.weight[0]");
}

TEST_CASE("an input read on the way back without being declared is caught") {
    CHECK(std::isinf(squared<Mistake::undeclared_input>().error));
    // Behind another layer its memory is the arena's, which may hold a gradient by then.
    CHECK(check_gradients<Seq<Linear<4>, Square<Mistake::undeclared_input>>, Shape{3}, Reference>()
              .error > 1e-3);
}

TEST_CASE("an in-place layer that needs its input gets it") {
    CHECK(check_gradients<Seq<Linear<4>, Steep, Linear<2>>, Shape{3}, Reference>().error < 1e-6);
}

TEST_CASE("an output that its own layer and the next one need is kept for both") {
    // Lrn reads its output after the convolution behind it has written a gradient.
    using Net = Seq<Conv<6, 1>, Lrn<Alpha<1>>, Conv<6, 1>, Lrn<Alpha<1>>, Linear<3>>;
    CHECK(check_gradients<Net, Shape{6, 2, 2}, Reference>().error < 1e-6);
}

TEST_CASE("whole networks pass") {
    using Block = Seq<Conv<6, 3, Pad<0, 1>, Groups<2>>, ReLU, Lrn<Alpha<1>>>;
    using Net = Seq<Conv<4, 3, Pad<1>, Stride<2>>, ReLU, Lrn<>, MaxPool<3, Stride<2>, Ceil>, Block,
                    AvgPool<2>, Dropout<>, Linear<8>, ReLU, Dropout<20>, Linear<5>, Softmax>;
    CHECK(check_gradients<Net, Shape{3, 13, 12}, Reference>({.batch = 3}).error < 1e-6);

    using Dense = Seq<Conv<4, 3, Pad<1>>, ReLU, Block, Conv<3, 1>, GlobalMaxPool>;
    CHECK(check_gradients<Dense, Shape{2, dynamic, dynamic}, Reference>({.batch = 1}, {2, 7, 9})
              .error < 1e-6);
}

TEST_CASE("frozen layers pass the gradient on and have none themselves") {
    using Net = Seq<Conv<4, 2>, ReLU, Frozen<Conv<4, 2>>, ReLU, Dropout<>, Frozen<Linear<6>>, ReLU,
                    Linear<3>>;
    const GradientReport all = check_gradients<Net, Shape{2, 4, 4}, Reference>();
    CHECK(all.error < 1e-6);
    CHECK(all.checked == 2 * 32 + (4 * 2 * 4 + 4) + (6 * 3 + 3));

    using Trunk = Seq<Frozen<Conv<4, 2>>, ReLU, Dropout<>, Linear<6>, ReLU, Linear<3>>;
    const GradientReport head =
        check_gradients<Trunk, Shape{2, 4, 4}, Reference>({.input_gradient = false});
    CHECK(head.error < 1e-6);
    CHECK(head.checked == 6 * 36 + 6 + (6 * 3 + 3));
}

TEST_CASE("a sample of the elements can be enough, and the parameters stay as they were") {
    Model<Seq<Linear<30>, ReLU, Linear<4>>, Shape{20}, Reference, double> model;
    Random random({.purpose = Purpose::initialise});
    for (double& value : model.parameters()[0]) value = random.normal();
    for (double& value : model.parameters()[2]) value = random.normal();
    const std::vector<double> before(model.parameters()[0].begin(), model.parameters()[0].end());
    const GradientReport report = check_gradients(model, {.samples = 10});
    CHECK(report.error < 1e-6);
    CHECK(report.checked == 10 + 10 + 10 + 10 + 4);
    CHECK(std::ranges::equal(before, model.parameters()[0]));
}
