// SPDX-License-Identifier: MIT
// The three AlexNets against PyTorch, narrow with its weight files and in full width with weights
// both sides compute; which file loads into which network.
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "files.hpp"
#include "foreign/fixture.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/io/weights.hpp"
#include "tessera/models/alexnet.hpp"

using namespace tessera;
using namespace tessera::test;
using namespace tessera::testing;

namespace {

// The pattern of make_fixtures.py.

float pattern(std::uint32_t stream, std::uint32_t i) {
    std::uint32_t x = i * 0x9E3779B9u + stream * 0x85EBCA6Bu;
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    x ^= x >> 16;
    return static_cast<float>(x >> 8) * 0x1p-23f - 1;
}

float pattern_scale(Index fan_in) {
    float scale = 1;
    while (scale * scale * static_cast<float>(fan_in) > 12) scale /= 2;
    return scale;
}

template <Shape Image>
std::vector<float> pattern_image(float reach) {
    std::vector<float> planes(static_cast<std::size_t>(Image.size()));
    for (std::uint32_t i = 0; i < planes.size(); ++i) planes[i] = reach * pattern(1000, i);
    return channels_last(planes, Image);
}

/// A state_dict as PyTorch would write it: the names and shapes of a network, patterned numbers,
/// nothing about the architecture.
template <class Net, Shape Image>
void write_patterned(const std::string& path) {
    const Model<Net, Image, Cpu> model;
    std::vector<TensorSource> sources;
    for (std::uint32_t stream = 0; const ExpectedTensor& tensor : expected_tensors(model)) {
        Index count = 1;
        for (Index extent : tensor.shape) count *= extent;
        const bool bias = tensor.shape.size() == 1;
        const float scale = bias ? 0.5f : pattern_scale(count / tensor.shape[0]);
        sources.push_back(
            {.name = tensor.name, .shape = tensor.shape, .produce = [=](const ByteSink& sink) {
                 std::vector<float> piece;
                 for (Index done = 0; done < count; done += 65536) {
                     const Index size = std::min<Index>(65536, count - done);
                     piece.clear();
                     for (Index i = done; i < done + size; ++i) {
                         piece.push_back(scale * pattern(stream, static_cast<std::uint32_t>(i)));
                     }
                     sink(bytes_of(std::span<const float>(piece)));
                 }
             }});
        ++stream;
    }
    write_safetensors(path, sources, {{"format", "pt"}});
}

/// Loads a file without leniency and compares the scores of the patterned image.
template <class Net, Shape Image>
void check_scores(const std::string& path, const std::string& fixture, float reach) {
    CAPTURE(fixture);
    Model<Net, Image, Cpu> model;
    const LoadReport report = load_weights(model, path);
    CHECK(report.complete());
    CHECK(report.loaded.size() == 16);
    auto workspace = model.workspace(1);
    const auto input = pattern_image<Image>(reach);
    const auto scores = model.forward(workspace, {input.data(), 1, Image});
    const auto expected = values(SafetensorsFile(fixture_path("alexnets")), fixture);
    CHECK(distance(std::span(scores.data, static_cast<std::size_t>(scores.size())), expected) <
          1e-4);
}

// The networks of models/alexnet.hpp with fewer channels.

template <int Hidden, int Classes>
using GroupedTail =
    Seq<Named<"conv3", Conv<24, 3, Pad<1>>>, ReLU, Named<"conv4", Conv<24, 3, Pad<1>, Groups<2>>>,
        ReLU, Named<"conv5", Conv<16, 3, Pad<1>, Groups<2>>>, ReLU, MaxPool<3, Stride<2>>,
        Named<"fc6", Linear<Hidden>>, ReLU, Dropout<>, Named<"fc7", Linear<Hidden>>, ReLU,
        Dropout<>, Named<"fc8", Linear<Classes>>>;

using Narrow2012 = Seq<Named<"conv1", Conv<8, 11, Stride<4>, Pad<0, 3>>>, ReLU, Lrn<>,
                       MaxPool<3, Stride<2>>, Named<"conv2", Conv<16, 5, Pad<2>, Groups<2>>>, ReLU,
                       Lrn<>, MaxPool<3, Stride<2>>, GroupedTail<32, 10>>;

using NarrowCaffeNet =
    Seq<Named<"conv1", Conv<8, 11, Stride<4>>>, ReLU, MaxPool<3, Stride<2>, Ceil>, Lrn<K<1>>,
        Named<"conv2", Conv<16, 5, Pad<2>, Groups<2>>>, ReLU, MaxPool<3, Stride<2>, Ceil>,
        Lrn<K<1>>, GroupedTail<32, 10>>;

using NarrowTorchvision =
    Seq<Named<"features.0", Conv<4, 11, Stride<4>, Pad<2>>>, ReLU, MaxPool<3, Stride<2>>,
        Named<"features.3", Conv<12, 5, Pad<2>>>, ReLU, MaxPool<3, Stride<2>>,
        Named<"features.6", Conv<24, 3, Pad<1>>>, ReLU, Named<"features.8", Conv<16, 3, Pad<1>>>,
        ReLU, Named<"features.10", Conv<16, 3, Pad<1>>>, ReLU, MaxPool<3, Stride<2>>, Dropout<>,
        Named<"classifier.1", Linear<32>>, ReLU, Dropout<>, Named<"classifier.4", Linear<32>>, ReLU,
        Named<"classifier.6", Linear<10>>>;

constexpr Shape side224{3, 224, 224}, side227{3, 227, 227};

/// A weight file of a network as large as the real one, all zeros that take no room on the disk.
template <class Net, Shape Image>
std::string sparse_file(const TemporaryFolder& folder, const std::string& name, bool own) {
    const std::string path = folder / (name + (own ? "_own" : "_foreign"));
    const Model<Net, Image, Cpu> model;
    std::string header = "{";
    if (own)
        header += text(R"("__metadata__":{"architecture":")", architecture<Net>(Image), R"("},)");
    Index offset = 0;
    for (const ExpectedTensor& tensor : expected_tensors(model)) {
        Index end = offset + 4;
        for (Index extent : tensor.shape) end = offset + (end - offset) * extent;
        std::string shape;
        for (Index extent : tensor.shape) shape += (shape.empty() ? "" : ",") + text(extent);
        header += text(offset ? "," : "", '"', tensor.name, R"(":{"dtype":"F32","shape":[)", shape,
                       R"(],"data_offsets":[)", offset, ",", end, "]}");
        offset = end;
    }
    header += "}";
    const std::uint64_t length = header.size();
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&length), 8);
    file << header;
    file.close();
    std::filesystem::resize_file(path, 8 + length + static_cast<std::uintmax_t>(offset));
    return path;
}

struct Files {
    std::string krizhevsky, caffe, torchvision;
};

/// What loading says; "no error" when the file is taken.
template <class Model>
std::string outcome(Model& model, const std::string& path) {
    return message_of([&] { load_weights(model, path); });
}

Files sparse_files(const TemporaryFolder& folder, bool own) {
    return {sparse_file<models::AlexNet2012<>, side224>(folder, "krizhevsky", own),
            sparse_file<models::CaffeNet<>, side227>(folder, "caffe", own),
            sparse_file<models::TorchvisionAlexNet<>, side224>(folder, "torchvision", own)};
}

}  // namespace

TEST_CASE("narrow AlexNets load PyTorch's files and give its scores") {
    check_scores<Narrow2012, side224>(fixture_path("narrow_2012"), "narrow_2012", 128);
    check_scores<NarrowCaffeNet, side227>(fixture_path("narrow_caffenet"), "narrow_caffenet", 128);
    check_scores<NarrowTorchvision, side224>(fixture_path("narrow_torchvision"),
                                             "narrow_torchvision", 2);
}

TEST_CASE("AlexNet of 2012 and CaffeNet in full width give PyTorch's scores from one file") {
    const TemporaryFolder folder;
    write_patterned<models::AlexNet2012<>, side224>(folder / "grouped");
    check_scores<models::AlexNet2012<>, side224>(folder / "grouped", "full_2012", 128);
    check_scores<models::CaffeNet<>, side227>(folder / "grouped", "full_caffenet", 128);
}

TEST_CASE("torchvision's alexnet in full width gives PyTorch's scores") {
    const TemporaryFolder folder;
    write_patterned<models::TorchvisionAlexNet<>, side224>(folder / "tower");
    check_scores<models::TorchvisionAlexNet<>, side224>(folder / "tower", "full_torchvision", 2);
}

TEST_CASE("each AlexNet loads its own file and refuses the other two") {
    const TemporaryFolder folder;
    const Files files = sparse_files(folder, true);
    const auto grouped = "the file looks like the 2012 AlexNet or CaffeNet";
    {
        Model<models::AlexNet2012<>, side224, Cpu> model;
        CHECK(outcome(model, files.krizhevsky) == "no error");
        CHECK(has(outcome(model, files.caffe),
                  "found the weights of the network conv:96x55x55 "
                  "relu:96x55x55 max_pool:96x27x27"));
        CHECK(has(outcome(model, files.torchvision), "the file looks like torchvision's alexnet"));
    }
    {
        Model<models::CaffeNet<>, side227, Cpu> model;
        CHECK(has(outcome(model, files.krizhevsky),
                  "found the weights of the network conv:96x55x55 relu:96x55x55 lrn:96x55x55"));
        CHECK(outcome(model, files.caffe) == "no error");
        CHECK(has(outcome(model, files.torchvision), "the file looks like torchvision's alexnet"));
    }
    {
        Model<models::TorchvisionAlexNet<>, side224, Cpu> model;
        CHECK(has(outcome(model, files.krizhevsky), grouped));
        CHECK(has(outcome(model, files.caffe), grouped));
        CHECK(outcome(model, files.torchvision) == "no error");
    }
}

TEST_CASE("without a word on the architecture only the shapes tell AlexNets apart") {
    // The 2012 network and CaffeNet have the same names and shapes.
    const TemporaryFolder folder;
    const Files files = sparse_files(folder, false);
    const auto loads = [](const auto& model, const std::string& path) {
        return inspect_weights(model, SafetensorsFile(path)).complete();
    };
    {
        const Model<models::AlexNet2012<>, side224, Cpu> model;
        CHECK(loads(model, files.krizhevsky));
        CHECK(loads(model, files.caffe));
        CHECK_FALSE(loads(model, files.torchvision));
    }
    {
        const Model<models::CaffeNet<>, side227, Cpu> model;
        CHECK(loads(model, files.krizhevsky));
        CHECK(loads(model, files.caffe));
        CHECK_FALSE(loads(model, files.torchvision));
    }
    {
        const Model<models::TorchvisionAlexNet<>, side224, Cpu> model;
        const LoadReport report = inspect_weights(model, SafetensorsFile(files.caffe));
        CHECK(report.loaded.empty());
        CHECK(report.missing.size() == 16);
        CHECK(report.unused.size() == 16);
        CHECK_FALSE(loads(model, files.krizhevsky));
        CHECK(loads(model, files.torchvision));
    }
}

TEST_CASE("a file with FC6 of 6,144 names itself and the shapes that differ") {
    const TemporaryFolder folder;
    const std::string path = sparse_file<models::AlexNet6144<>, side224>(folder, "wide", false);
    Model<models::AlexNet2012<>, side224, Cpu> model;
    const std::string words = outcome(model, path);
    CHECK(has(words, "the file looks like the 2012 AlexNet with FC6 of 6144"));
    CHECK(has(words, "fc6.weight: 6144x9216 in the file, 4096x9216 here"));
    CHECK(has(words, "fc8.weight: 1512x6144 in the file, 1000x4096 here"));
}
