// SPDX-License-Identifier: MIT
// Weight files: what is saved loads bit by bit, in PyTorch's order; what does not belong is
// refused and said.
#include "tessera/io/weights.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "files.hpp"
#include "net/random_model.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/reference/reference.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/named.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/surgery.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

using Net = Seq<Named<"conv1", Conv<8, 3, Pad<1>>>, ReLU, MaxPool<2>, Lrn<>,
                Named<"conv2", Conv<4, 3, Groups<2>, NoBias>>, ReLU, Named<"fc3", Linear<6>>, ReLU,
                Linear<3>>;
constexpr Shape image{3, 8, 10};
using NetModel = Model<Net, image, Cpu>;

template <class Model>
auto numbers_of(const Model& model) {
    std::vector<typename Model::Element> numbers;
    for (int i = 0; i < model.parameter_arrays; ++i) {
        const auto array = model.parameters()[i];
        numbers.insert(numbers.end(), array.begin(), array.end());
    }
    return numbers;
}

/// A file of zeros with the tensors of a network, changed by `change` before it is written.
template <class Model, class Change>
std::string altered_file(const TemporaryFolder& folder, const Model& model, Change change) {
    std::vector<TensorSource> sources;
    for (const ExpectedTensor& tensor : expected_tensors(model)) {
        sources.push_back({.name = tensor.name, .shape = tensor.shape});
    }
    change(sources);
    std::vector<std::vector<std::uint8_t>> bytes;
    for (TensorSource& source : sources) {
        Index size = dtype_bytes(source.dtype);
        for (Index extent : source.shape) size *= extent;
        source.bytes = bytes.emplace_back(static_cast<std::size_t>(size));
    }
    write_safetensors(folder / "altered", sources);
    return folder / "altered";
}

/// Loading this file into a model of random weights must fail and leave them alone; the message.
std::string refusal(const std::string& path, const LoadOptions& options = {}) {
    auto model = test::random_model<NetModel>();
    const auto before = numbers_of(model);
    const std::string message = message_of([&] { load_weights(model, path, options); });
    CHECK(numbers_of(model) == before);
    CHECK(message.rfind(path, 0) == 0);
    return message;
}

}  // namespace

TEST_CASE("what is saved comes back bit by bit, in float and in double") {
    const TemporaryFolder folder;
    const auto saved = test::random_model<NetModel>();
    save_weights(saved, folder / "float");
    NetModel loaded;
    const LoadReport report = load_weights(loaded, folder / "float");
    CHECK(report.complete());
    CHECK(report.loaded == std::vector<std::string>{"conv1.weight", "conv1.bias", "conv2.weight",
                                                    "fc3.weight", "fc3.bias", "8.weight",
                                                    "8.bias"});
    CHECK(numbers_of(loaded) == numbers_of(saved));

    Model<Net, image, Reference, double> wide;
    load_weights(wide, folder / "float");
    const auto expected = numbers_of(saved);
    CHECK(std::ranges::equal(numbers_of(wide), expected));
    wide.parameters()[0][0] = 1.0 / 3;
    save_weights(wide, folder / "double");
    CHECK(SafetensorsFile(folder / "double").at("conv1.weight").dtype == Dtype::f64);
    Model<Net, image, Reference, double> wide_again;
    load_weights(wide_again, folder / "double");
    CHECK(numbers_of(wide_again) == numbers_of(wide));
    load_weights(loaded, folder / "double");
    CHECK(loaded.parameters()[0][0] == static_cast<float>(1.0 / 3));
}

TEST_CASE("a file holds outputs, inputs of the group, height, width, whatever memory holds") {
    const TemporaryFolder folder;
    Model<Conv<6, 3, KernelWidth<2>, Groups<2>>, Shape{4, 5, 5}, Cpu> model;
    const std::span<float> memory = model.parameters()[0];
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<float>(i);
    save_weights(model, folder / "conv");
    const SafetensorsFile file(folder / "conv");
    REQUIRE(file.at("0.weight").shape == std::vector<Index>{6, 2, 3, 2});
    std::vector<float> stored(memory.size());
    file.read("0.weight", std::span<float>(stored));
    std::size_t at = 0;
    for (int f = 0; f < 6; ++f) {
        for (int c = 0; c < 2; ++c) {
            for (int y = 0; y < 3; ++y) {
                for (int x = 0; x < 2; ++x) {
                    const int group = f / 3;  // memory: group, height, width, input, output
                    CHECK(stored[at++] == (((group * 3 + y) * 2 + x) * 2 + c) * 3 + f % 3);
                }
            }
        }
    }
}

TEST_CASE("a Linear's file serves the convolution in its place, and the other way round") {
    const TemporaryFolder folder;
    using Dense = Convolutionalise<Net, image>;
    const auto flat = test::random_model<NetModel>();
    save_weights(flat, folder / "flat");
    CHECK(SafetensorsFile(folder / "flat").at("fc3.weight").shape == std::vector<Index>{6, 4 * 6});
    Model<Dense, image, Cpu> dense;
    CHECK(load_weights(dense, folder / "flat").complete());
    CHECK(numbers_of(dense) == numbers_of(flat));
    save_weights(dense, folder / "dense");
    CHECK(SafetensorsFile(folder / "dense").at("fc3.weight").shape ==
          std::vector<Index>{6, 4, 2, 3});
    NetModel back;
    CHECK(load_weights(back, folder / "dense").complete());
    CHECK(numbers_of(back) == numbers_of(flat));

    const auto input = test::random_numbers(image.size());
    auto flat_space = flat.workspace(1);
    auto dense_space = dense.workspace(1);
    const auto scores = flat.forward(flat_space, {input.data(), 1, image});
    const auto map = dense.forward(dense_space, {input.data(), 1, image});
    for (Index i = 0; i < 3; ++i) CHECK(map[i] == doctest::Approx(scores[i]).epsilon(1e-5));
}

TEST_CASE("a file serves the same layers over a dynamic extent") {
    const TemporaryFolder folder;
    using Dense = Convolutionalise<Net, image>;
    const auto flat = test::random_model<NetModel>();
    save_weights(flat, folder / "flat");
    Model<Dense, Shape{3, dynamic, dynamic}, Cpu> anywhere;
    CHECK(load_weights(anywhere, folder / "flat").complete());
    CHECK(numbers_of(anywhere) == numbers_of(flat));
    save_weights(anywhere, folder / "anywhere");
    NetModel back;
    CHECK(load_weights(back, folder / "anywhere").complete());
}

TEST_CASE("architectures agree layer by layer") {
    CHECK(same_architecture("", ""));
    CHECK(same_architecture("conv:6x1x1 relu:6x1x1", "linear:6x1x1 relu:6x1x1"));
    CHECK(same_architecture("conv:6x?x? relu:6x?x?", "conv:6x4x5 relu:6x4x5"));
    CHECK_FALSE(same_architecture("conv:6x4x5", "conv:6x4x6"));
    CHECK_FALSE(same_architecture("conv:6x?x?", "conv:7x?x?"));
    CHECK_FALSE(same_architecture("conv:6x4x5", "relu:6x4x5"));
    CHECK_FALSE(same_architecture("conv:6x4x5", "conv:6x4x5 relu:6x4x5"));
    CHECK_FALSE(same_architecture("conv:6x4x5 relu:6x4x5", "conv:6x4x5"));
    CHECK_FALSE(same_architecture("conv:6x4", "conv:6x4x5"));
    CHECK_FALSE(same_architecture("lrn:6x4x5 max_pool:6x4x5", "max_pool:6x4x5 lrn:6x4x5"));
    CHECK_FALSE(same_architecture("nonsense", "conv:6x4x5"));
}

TEST_CASE("names can be mapped both ways") {
    const TemporaryFolder folder;
    const NameMap names{{"conv1.weight", "backbone.stem.weight"}, {"8.bias", "head.b"}};
    const auto saved = test::random_model<NetModel>();
    save_weights(saved, folder / "mapped", {{"author", "nobody"}}, names);
    const SafetensorsFile file(folder / "mapped");
    CHECK(file.find("backbone.stem.weight") != nullptr);
    CHECK(file.find("conv1.weight") == nullptr);
    CHECK(file.metadata().at("author") == "nobody");
    NetModel loaded;
    CHECK(load_weights(loaded, file, {.names = names}).complete());
    CHECK(numbers_of(loaded) == numbers_of(saved));
    const std::string message = refusal(folder / "mapped");
    CHECK(has(message, "missing: 2 (conv1.weight, 8.bias)"));
    CHECK(has(message, "unused: 2"));
    CHECK(has(message, "backbone.stem.weight"));
}

TEST_CASE("the report lists what is missing, unused and of another shape, and nothing is loaded") {
    const TemporaryFolder folder;
    const std::string path = altered_file(folder, NetModel(), [](auto& sources) {
        sources.erase(sources.begin() + 1);  // conv1.bias
        sources.back().shape = {21};
        sources.push_back({.name = "fc9.weight", .shape = {2, 2}});
        sources.push_back({.name = "state.velocity", .shape = {5}});
    });
    const LoadReport report = inspect_weights(NetModel(), SafetensorsFile(path));
    CHECK_FALSE(report.complete());
    CHECK(report.missing == std::vector<std::string>{"conv1.bias"});
    CHECK(report.unused == std::vector<std::string>{"fc9.weight"});
    CHECK(report.mismatched == std::vector<std::string>{"8.bias: 21 in the file, 3 here"});
    CHECK(report.loaded.size() == 5);
    CHECK(report.recognised.empty());
    const std::string message = refusal(path);
    CHECK(has(message, "the weights are not those of this network"));
    CHECK(has(message, "loaded: 5\n"));
    CHECK(has(message, "missing: 1 (conv1.bias)\n"));
    CHECK(has(message, "unused: 1 (fc9.weight)\n"));
    CHECK(has(message, "mismatched: 1 (8.bias: 21 in the file, 3 here)\n"));
    CHECK(has(refusal(path, {.partial = true}), "mismatched: 1"));
}

TEST_CASE("a partial load takes what is there and leaves the rest") {
    const TemporaryFolder folder;
    const auto source = test::random_model<NetModel>(1);
    save_weights(source, folder / "source");
    using Other = Append<CutAfter<Net, "fc3">, ReLU, Named<"fca", Linear<5>>>;
    auto target = test::random_model<Model<Other, image, Cpu>>(2);
    const auto before = numbers_of(target);
    const LoadReport report = load_weights(target, folder / "source", {.partial = true});
    CHECK(report.loaded.size() == 5);
    CHECK(report.missing == std::vector<std::string>{"fca.weight", "fca.bias"});
    CHECK(report.unused.size() == 2);
    const auto after = numbers_of(target);
    const std::size_t kept = after.size() - 5 * 6 - 5;
    const auto given = numbers_of(source);
    CHECK(std::equal(after.begin(), after.begin() + kept, given.begin()));
    CHECK(std::equal(after.begin() + kept, after.end(), before.begin() + kept));

    write_safetensors(folder / "empty", {});
    CHECK(has(refusal(folder / "empty", {.partial = true}), "no tensor of this network"));
}

TEST_CASE("a file of the same tensors but another architecture is refused by its own word") {
    const TemporaryFolder folder;
    using Swapped = Replace<Replace<Net, 2, Lrn<>>, 3, MaxPool<2>>;
    const auto swapped = test::random_model<Model<Swapped, image, Cpu>>();
    save_weights(swapped, folder / "swapped");
    const std::string message = refusal(folder / "swapped");
    CHECK(has(message, "found the weights of the network conv:8x8x10 relu:8x8x10 lrn:8x8x10"));
    CHECK(has(message, "\nexpected conv:8x8x10 relu:8x8x10 max_pool:8x4x5"));
    NetModel model;
    CHECK(load_weights(model, folder / "swapped", {.partial = true}).complete());
}

TEST_CASE("element types: half and bfloat16 are read, integers are refused before any weight") {
    const TemporaryFolder folder;
    for (const Dtype dtype : {Dtype::f16, Dtype::bf16, Dtype::f64}) {
        const std::string path = altered_file(folder, NetModel(), [&](auto& sources) {
            for (TensorSource& source : sources) source.dtype = dtype;
        });
        auto model = test::random_model<NetModel>();
        CHECK(load_weights(model, path).complete());
        for (float number : numbers_of(model)) CHECK(number == 0);
    }
    for (const Dtype dtype : {Dtype::boolean, Dtype::u8, Dtype::i32, Dtype::i64}) {
        const std::string path =
            altered_file(folder, NetModel(), [&](auto& sources) { sources.back().dtype = dtype; });
        for (const bool partial : {false, true}) {
            CHECK(has(refusal(path, {.partial = partial}),
                      text("tensor '8.bias': found type ", dtype_name(dtype),
                           ", expected a floating-point type")));
        }
    }
}

TEST_CASE("shapes of the same size but another meaning are refused") {
    const TemporaryFolder folder;
    const auto with_shape = [&](std::size_t place, std::vector<Index> shape) {
        return refusal(
            altered_file(folder, NetModel(), [&](auto& sources) { sources[place].shape = shape; }));
    };
    CHECK(has(with_shape(3, {24, 6}), "fc3.weight: 24x6 in the file, 6x24 here"));
    CHECK(has(with_shape(3, {144}), "fc3.weight: 144 in the file, 6x24 here"));
    CHECK(has(with_shape(0, {3, 3, 3, 8}), "conv1.weight: 3x3x3x8 in the file, 8x3x3x3 here"));
    CHECK(has(with_shape(1, {8, 1}), "conv1.bias: 8x1 in the file, 8 here"));
    CHECK(has(with_shape(0, {8, 3, 1, 9}), "conv1.weight: 8x3x1x9 in the file, 8x3x3x3 here"));
    CHECK(has(with_shape(3, {6, 2, 12}), "fc3.weight: 6x2x12 in the file, 6x24 here"));
}

TEST_CASE("a file that cannot be written is an Error and damages nothing") {
    const TemporaryFolder folder;
    const auto model = test::random_model<NetModel>();
    CHECK(has(message_of([&] { save_weights(model, "/dev/full"); }), "cannot write /dev/full"));
    CHECK(has(message_of([&] { save_weights(model, folder / "no/such"); }), "cannot write "));
    const ReadOnlyFolder locked;
    CHECK(has(message_of([&] { save_weights(model, locked / "weights"); }), "cannot write "));

    save_weights(model, folder / "weights");
    const std::string old = words_of(folder / "weights");
    const NameMap twins{{"conv1.weight", "same"}, {"8.bias", "same"}};
    CHECK(has(message_of([&] { save_weights(model, folder / "weights", {}, twins); }),
              "'same' twice"));
    CHECK(words_of(folder / "weights") == old);
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}
