// SPDX-License-Identifier: MIT
// Every loss and its gradient against PyTorch.
#include "tessera/train/loss.hpp"

#include "foreign/fixture.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/reference/reference.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

template <class Backend, class T, class Loss>
void check_on(const SafetensorsFile& file, const std::string& name, Shape shape, const Loss& loss) {
    CAPTURE(name);
    CAPTURE(sizeof(T));
    const auto scores = channels_last(values<T>(file, name + ".scores"), shape);
    const auto stored = values(file, name + ".targets");
    const std::vector<typename Loss::Target> targets(stored.begin(), stored.end());
    const int batch = static_cast<int>(static_cast<Index>(scores.size()) / shape.size());
    const View<const T> view{scores.data(), batch, shape};
    REQUIRE(static_cast<Index>(targets.size()) == Loss::targets(batch, shape));
    std::vector<T> gradient(scores.size(), static_cast<T>(NAN));
    const std::span<const typename Loss::Target> wanted(targets);
    const double found = loss_value<Backend>(loss, view, wanted, gradient.data());
    CHECK(distance(std::vector{found}, values(file, name + ".loss")) < tolerance<T>);
    CHECK(distance(gradient, channels_last(values(file, name + ".gradient"), shape)) <
          tolerance<T>);
    const double alone = loss_value<Backend>(loss, view, wanted);
    CHECK(alone == found);
}

template <class Loss>
void check(const std::string& name, Shape shape, const Loss& loss = {}) {
    const SafetensorsFile file(fixture_path("losses"));
    check_on<Reference, double>(file, name, shape, loss);
    check_on<Cpu, float>(file, name, shape, loss);
}

}  // namespace

TEST_CASE("softmax cross-entropy is PyTorch's, labels of -1 and far scores included") {
    check<SoftmaxCrossEntropy>("cross_entropy", {5, 1, 1});
    check<SoftmaxCrossEntropy>("cross_entropy_left_out", {5, 1, 1});
    check<SoftmaxCrossEntropy>("cross_entropy_far", {3, 1, 1});
    check<SoftmaxCrossEntropy>("cross_entropy_map", {4, 3, 2});
}

TEST_CASE("class weights give PyTorch's sum, divided by the rows that count") {
    const SafetensorsFile file(fixture_path("losses"));
    check<SoftmaxCrossEntropy>("cross_entropy_weighted", {5, 1, 1},
                               {values<float>(file, "cross_entropy_weighted.class_weights")});
}

TEST_CASE("the multi-label loss is binary cross-entropy summed over what is not left out") {
    check<MultiLabelLogistic>("multi_label", {7, 1, 1});
}

TEST_CASE("squared error is half of PyTorch's sum per sample") {
    const SafetensorsFile file(fixture_path("losses"));
    check_on<Reference, double>(file, "squared_error", {4, 1, 1}, SquaredError<double>{});
    check_on<Cpu, float>(file, "squared_error", {4, 1, 1}, SquaredError<float>{});
}
