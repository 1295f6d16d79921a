// SPDX-License-Identifier: MIT
// Boxes of image files through a network on the device, as the programs do it: the outputs are
// those of samples made on the host.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "files.hpp"
#include "program/box_runner.hpp"
#include "tessera/core/random.hpp"
#include "tessera/cuda.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/layer/softmax.hpp"
#include "tessera/train/initialise.hpp"

using namespace tessera;
using namespace tessera::testing;
using namespace program;

namespace {

constexpr Shape part{3, 9, 9};
using Net = Seq<Conv<4, 3, Stride<2>>, ReLU, MaxPool<2>, Linear<5>, Softmax>;
using HostModel = Model<Net, part, Cpu>;
using DeviceModel = Model<Net, part, Cuda>;

/// Files of several sizes with boxes of several, more than a batch of them.
struct Pictures {
    TemporaryFolder folder;
    std::vector<ImageBoxes> images;

    Pictures() {
        Random random({.seed = 8});
        for (const Extent size : {Extent{40, 30}, {13, 21}, {64, 64}, {25, 25}}) {
            Image image(size.width, size.height);
            for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
            const std::string path = folder / text(size.width, ".png");
            write_image(path, image);
            images.push_back(
                {path, size.width, size.height,
                 boxes_of(tile(size.width, size.height, {.lambdas = {1, 2, 4}, .stride = 0.5}))});
        }
    }
};

const Normaliser normaliser(Shape{3, 11, 11}, std::vector<float>(3 * 11 * 11, 120.5F), 1 / 60.0F);

const std::function<bool()> never = [] { return false; };

HostModel host_model() {
    HostModel model;
    initialise(model, He{}, 3);
    return model;
}

/// Collects the outputs, and how many came at a time.
struct Rows {
    std::vector<float> values;
    std::vector<int> batches;

    auto take() {
        return [this](const View<const float>& out) {
            values.insert(values.end(), out.data, out.data + out.size());
            batches.push_back(out.batch);
        };
    }
};

template <class ModelType>
Rows rows_of(const ModelType& model, const std::vector<ImageBoxes>& images, const PatchView& view,
             Index done = 0) {
    Rows rows;
    CHECK(run_over_boxes(model, {images, done, view, "test", never}, rows.take()));
    return rows;
}

/// The same with one batch at a time: nothing is asked of the device before its outputs are there.
Rows rows_one_at_a_time(const DeviceModel& model, const std::vector<ImageBoxes>& images,
                        const PatchView& view) {
    cuda::PatchWriter writer(normaliser, 3);
    auto workspace = model.workspace(scoring_batch);
    Buffer<float, cuda::DeviceMemory> samples(scoring_batch * part.size());
    Rows rows;
    const auto take = rows.take();
    int filled = 0;
    const auto flush = [&] {
        if (filled > 0) take(to_host(model.forward(workspace, {samples.data(), filled, part})));
        filled = 0;
    };
    for (const ImageBoxes& image : images) {
        const Image pixels = read_image(image.path);
        for (const Box& box : image.boxes) {
            const int count = static_cast<int>(view.rows_per_box());
            writer.write(
                pixels, std::span(&box, 1), {11, 11}, {1, 1},
                View<float, cuda::DeviceMemory>{samples.data() + filled * part.size(), count, part},
                view.mirrored_too);
            filled += count;
            if (filled == scoring_batch) flush();
        }
    }
    flush();
    return rows;
}

/// The first `count` boxes of a run over some images.
std::vector<ImageBoxes> first_boxes(std::vector<ImageBoxes> images, Index count) {
    for (ImageBoxes& image : images) {
        const Index kept = std::min(count, std::ssize(image.boxes));
        image.boxes.resize(static_cast<std::size_t>(kept));
        count -= kept;
    }
    std::erase_if(images, [](const ImageBoxes& image) { return image.boxes.empty(); });
    return images;
}

double difference(const std::vector<float>& one, const std::vector<float>& other) {
    REQUIRE(one.size() == other.size());
    double worst = 0;
    for (std::size_t i = 0; i < one.size(); ++i) {
        const double error = std::abs(double(one[i]) - double(other[i]));
        if (!(error <= worst)) worst = error;
    }
    return worst;
}

}  // namespace

TEST_CASE("outputs over boxes are those of the host, as they are and turned too") {
    const Pictures pictures;
    const Index boxes = box_count(pictures.images);
    REQUIRE(boxes > scoring_batch);
    const HostModel host = host_model();
    const DeviceModel device(host);
    for (const bool mirrored_too : {false, true}) {
        const PatchView view{11, part, normaliser, mirrored_too, 2};
        const Rows expected = rows_of(host, pictures.images, view);
        const Rows found = rows_of(device, pictures.images, view);
        CHECK(std::ssize(found.values) == boxes * (mirrored_too ? 2 : 1) * 5);
        CHECK(found.batches == expected.batches);
        CHECK(difference(found.values, expected.values) < 1e-5);

        // A continuation behind a whole batch has the rows that are left, to the bits.
        const Index done = scoring_batch / view.rows_per_box();
        const Rows rest = rows_of(device, pictures.images, view, done);
        const std::vector<float> left(found.values.begin() + scoring_batch * 5, found.values.end());
        CHECK(rest.values == left);
        CHECK(rows_of(device, pictures.images, view, boxes).values.empty());
    }
}

TEST_CASE("a network of bfloat16 gives floats, near those of one of float") {
    const Pictures pictures;
    const HostModel host = host_model();
    const PatchView view{11, part, normaliser, false, 2};
    const Rows expected = rows_of(host, pictures.images, view);
    for (const Rows& found : {rows_of(Model<Net, part, Cpu, Bf16>(host), pictures.images, view),
                              rows_of(Model<Net, part, Cuda, Bf16>(host), pictures.images, view)}) {
        CHECK(found.batches == expected.batches);
        CHECK(difference(found.values, expected.values) < 1e-2);
    }
}

TEST_CASE("two batches in flight give the bits of one at a time, in order, full ones or not") {
    const Pictures pictures;
    const DeviceModel device(host_model());
    REQUIRE(box_count(pictures.images) > 2 * scoring_batch + 1);
    for (const bool mirrored_too : {false, true}) {
        const PatchView view{11, part, normaliser, mirrored_too, 2};
        for (const Index count : {1, 63, 64, 65, 127, 128, 129, 255, 256, 257}) {
            CAPTURE(count);
            const auto images = first_boxes(pictures.images, count);
            const Rows found = rows_of(device, images, view);
            const Rows expected = rows_one_at_a_time(device, images, view);
            CHECK(found.values == expected.values);
            CHECK(found.batches == expected.batches);
        }
    }
}

TEST_CASE("an interrupted run says so and has given every batch that was full") {
    const Pictures pictures;
    const DeviceModel device(host_model());
    const PatchView view{11, part, normaliser, false, 1};
    const Rows whole = rows_of(device, pictures.images, view);
    Index seen = 0;
    for (int images = 1; images <= 4; ++images) {
        seen += std::ssize(pictures.images[static_cast<std::size_t>(images - 1)].boxes);
        int asked = 0;
        const std::function<bool()> interrupted = [&] { return ++asked == images; };
        Rows rows;
        CHECK_FALSE(
            run_over_boxes(device, {pictures.images, 0, view, "test", interrupted}, rows.take()));
        CHECK(asked == images);
        CHECK(std::ssize(rows.batches) == seen / scoring_batch);
        for (const int batch : rows.batches) CHECK(batch == scoring_batch);
        CHECK(std::equal(rows.values.begin(), rows.values.end(), whole.values.begin()));
    }
}

TEST_CASE("a file that is missing or of another size is named") {
    Pictures pictures;
    const DeviceModel device(host_model());
    const PatchView view{11, part, normaliser, false, 1};
    pictures.images[2].width = 65;
    const auto said = [&] {
        return message_of([&] {
            run_over_boxes(device, {pictures.images, 0, view, "test", never}, Rows().take());
        });
    };
    CHECK(has(said(), "64.png: found 64 x 64 pixels, expected 65 x 64 as the annotation says"));
    pictures.images[1].path += ".jpg";
    CHECK(has(said(), "13.png.jpg"));
}
