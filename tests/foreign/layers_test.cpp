// SPDX-License-Identifier: MIT
// Every layer against PyTorch: outputs and all gradients, on both host backends.
#include <cstring>

#include "foreign/fixture.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/reference/reference.hpp"
#include "tessera/io/weights.hpp"
#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/layer/softmax.hpp"
#include "tessera/net/model.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

template <class Net, Shape Input, class Backend, class T>
void check_on(const SafetensorsFile& file, const std::string& name) {
    CAPTURE(sizeof(T));
    Model<Net, Input, Backend, T> model;
    NameMap names;
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const std::string role(model.parameters().entry(i).info.role);
        names[model.parameter_name(i)] = name + "." + role;
    }
    if (model.parameter_arrays > 0) {
        const LoadReport report = load_weights(model, file, {.partial = true, .names = names});
        REQUIRE(report.missing.empty());
    }
    const auto input = channels_last(values<T>(file, name + ".input"), Input);
    const int batch = static_cast<int>(static_cast<Index>(input.size()) / Input.size());
    auto workspace = model.workspace(batch, Mode::training, Input, true);
    workspace.fill(std::byte{0xff});  // NaN
    const View<const T> output = model.forward(workspace, {input.data(), batch, Input});
    const auto expected = channels_last(values(file, name + ".output"), model.output);
    CHECK(distance(std::span(output.data, static_cast<std::size_t>(output.size())), expected) <
          tolerance<T>);

    const auto slope = channels_last(values<T>(file, name + ".output_gradient"), model.output);
    REQUIRE(static_cast<Index>(slope.size()) == output.size());
    std::ranges::copy(slope, workspace.gradient(model.depth).data);
    auto gradients = model.gradients();
    model.backward(workspace, gradients);
    const View<T> input_gradient = workspace.gradient(0);
    CHECK(distance(std::span(input_gradient.data, input.size()),
                   channels_last(values(file, name + ".input_gradient"), Input)) < tolerance<T>);
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const ParameterEntry& entry = model.parameters().entry(i);
        const std::span<const T> memory(gradients.data() + entry.offset,
                                        static_cast<std::size_t>(entry.info.count()));
        CAPTURE(entry.info.role);
        CHECK(distance(to_file_order(entry.info, memory),
                       values(file, text(name, ".", entry.info.role, "_gradient"))) < tolerance<T>);
    }
}

template <class Net, Shape Input>
void check(const std::string& name) {
    CAPTURE(name);
    const SafetensorsFile file(fixture_path("ops"));
    check_on<Net, Input, Reference, double>(file, name);
    check_on<Net, Input, Cpu, float>(file, name);
}

}  // namespace

TEST_CASE("convolutions are PyTorch's: strides, padding, groups, rounding, oblong windows") {
    check<Conv<4, 3>, Shape{3, 7, 6}>("conv");
    check<Conv<6, 3, Stride<2>, Pad<1>>, Shape{5, 8, 7}>("conv_stride_pad");
    check<Conv<6, 5, Pad<2>, Groups<2>>, Shape{4, 6, 7}>("conv_groups");
    check<Conv<6, 3, Groups<6>>, Shape{6, 5, 4}>("conv_depthwise");
    check<Conv<4, 11, Stride<4>, Pad<0, 3>>, Shape{3, 20, 20}>("conv_far_pad");
    check<Conv<3, 5, Stride<3>, Ceil>, Shape{2, 9, 9}>("conv_ceil");
    check<Conv<4, 5, KernelWidth<2>, NoBias>, Shape{3, 6, 7}>("conv_oblong");
    check<Conv<7, 1>, Shape{5, 3, 4}>("conv_pointwise");
}

TEST_CASE("a Linear over an image reads it channel by channel, as PyTorch's flatten does") {
    check<Linear<7>, Shape{3, 4, 5}>("linear");
}

TEST_CASE("ReLU and softmax are PyTorch's, over vectors and maps") {
    check<ReLU, Shape{3, 4, 5}>("relu");
    check<Softmax, Shape{6, 1, 1}>("softmax");
    check<Softmax, Shape{5, 3, 4}>("softmax_map");
}

TEST_CASE("response normalisation is PyTorch's, alpha divided by the window's size") {
    check<Lrn<>, Shape{8, 3, 2}>("lrn");
    check<Lrn<Alpha<2>, K<1>>, Shape{8, 3, 2}>("lrn_strong");
    check<Lrn<Size<3>, Alpha<1, 2>, Beta<1, 2>, K<3, 2>>, Shape{7, 2, 3}>("lrn_three");
    check<Lrn<Alpha<1>, K<1>>, Shape{2, 2, 2}>("lrn_few_channels");
    // The same numbers by the paper's formula: alpha is given as PyTorch's, divided.
    check<Lrn<Alpha<2, 5>, K<1>, AlphaUndivided>, Shape{8, 3, 2}>("lrn_strong");
    check<Lrn<Size<3>, Alpha<1, 6>, Beta<1, 2>, K<3, 2>, AlphaUndivided>, Shape{7, 2, 3}>(
        "lrn_three");
}

TEST_CASE("pooling is PyTorch's: overlapping, rounded up, padded, with ties") {
    check<MaxPool<3, Stride<2>>, Shape{3, 8, 7}>("max_pool");
    check<MaxPool<3, Stride<2>, Ceil>, Shape{3, 8, 6}>("max_pool_ceil");
    check<MaxPool<3, Stride<2>, Pad<1>, Ceil>, Shape{3, 8, 7}>("max_pool_pad");
    check<MaxPool<2>, Shape{3, 6, 5}>("max_pool_disjoint");
    check<Seq<ReLU, MaxPool<3, Stride<2>>>, Shape{3, 9, 9}>("max_pool_ties");
    check<GlobalMaxPool, Shape{3, 4, 5}>("max_pool_global");
    check<AvgPool<3, Stride<2>>, Shape{3, 8, 7}>("average_pool");
    check<AvgPool<3, Stride<2>, Pad<1>, Ceil>, Shape{3, 8, 7}>("average_pool_pad_ceil");
}
