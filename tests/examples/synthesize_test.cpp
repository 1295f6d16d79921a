// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include "files.hpp"
#include "synthetic/dataset.hpp"
#include "tessera/data/voc_devkit.hpp"

using namespace synthetic;
using tessera::testing::message_of;
using tessera::testing::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

constexpr Recipe small{.seed = 5,
                       .classes = 12,
                       .train_per_class = 2,
                       .val_per_class = 1,
                       .source_size = 32,
                       .scene = {.width = 96, .height = 72, .classes = 4, .most_things = 3},
                       .trainval = 8,
                       .test = 6,
                       .quality = 85};

using Files = std::map<std::string, std::vector<std::uint8_t>>;

Files read_tree(const fs::path& root) {
    Files files;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        if (!entry.is_regular_file()) continue;
        files[fs::relative(entry.path(), root).string()] =
            tessera::read_file(entry.path().string());
    }
    return files;
}

Files generate(const Recipe& recipe, int threads) {
    TemporaryFolder folder;
    const Written source = write_source(folder / "source", recipe, {.threads = threads});
    const Written target = write_target(folder / "target", recipe, {.threads = threads});
    CHECK(source.done == source.planned);
    CHECK(target.done == target.planned);
    return read_tree(folder.path);
}

double sum(const Mask& mask) {
    double total = 0;
    for (const float v : mask.values) total += v;
    return total;
}

}  // namespace

TEST_CASE("the same recipe gives the same bytes for any number of threads") {
    const Files once = generate(small, 1);
    CHECK(once.size() == 12 * 3 + 1 + 2 * 14 + 4 * 5);
    CHECK(once == generate(small, 3));
}

TEST_CASE("an image depends on seed, split, class and index, and not on how many there are") {
    const auto picture = [](std::uint64_t seed, Split split, int label, int index) {
        return source_picture(source_kind(label), 32, random_of(seed, split, label, index));
    };
    const tessera::Image image = picture(1, Split::source_train, 3, 7);
    CHECK(image == picture(1, Split::source_train, 3, 7));
    CHECK(image != picture(2, Split::source_train, 3, 7));
    CHECK(image != picture(1, Split::source_val, 3, 7));
    CHECK(image != picture(1, Split::source_train, 4, 7));
    CHECK(image != picture(1, Split::source_train, 3, 8));

    Recipe more = small;
    more.classes = 20;
    more.train_per_class = 3;
    const Files few = generate(small, 2), many = generate(more, 2);
    for (const auto& [name, bytes] : few) {
        if (!name.starts_with("source/train/")) continue;
        REQUIRE(many.contains(name));
        CHECK(bytes == many.at(name));
    }
}

TEST_CASE("the source is an ImageNet-style folder with words") {
    const Files files = generate(small, 2);
    std::set<std::string> ids, words;
    const auto& bytes = files.at("source/words.txt");
    std::string rest(bytes.begin(), bytes.end());
    while (!rest.empty()) {
        const auto end = rest.find('\n'), tab = rest.find('\t');
        REQUIRE(end != std::string::npos);
        REQUIRE(tab < end);
        const std::string id = rest.substr(0, tab);
        CHECK(id.size() == 9);
        CHECK(id.starts_with("n9"));
        ids.insert(id);
        words.insert(rest.substr(tab + 1, end - tab - 1));
        rest.erase(0, end + 1);
    }
    CHECK(ids.size() == 12);
    CHECK(words.size() == 12);
    for (const std::string& id : ids) {
        for (const std::string& name :
             {"train/" + id + "/" + id + "_00001.JPEG", "val/" + id + "/" + id + "_00000.JPEG"}) {
            REQUIRE(files.contains("source/" + name));
            const tessera::Image image = tessera::decode(files.at("source/" + name));
            CHECK(image.shape() == tessera::Shape{3, 32, 32});
        }
    }
}

TEST_CASE("the target is a VOC tree whose lists say what its annotations say") {
    TemporaryFolder folder;
    write_target(folder / "target", small, {.threads = 2});
    const tessera::VocFolder voc = tessera::open_voc(folder / "target/VOCdevkit");
    CHECK(voc.classes == std::vector<std::string>{"car", "leopard", "truck", "zebra"});
    std::map<std::string, std::set<std::string>> sets;
    for (const std::string name : {"train", "val", "trainval", "test"}) {
        const tessera::VocSet set = tessera::read_voc_set(voc, name);
        tessera::check_voc_labels(voc, set);
        for (const auto& image : set.images) {
            sets[name].insert(image.id);
            const tessera::Box frame{0, 0, 96, 72};
            CHECK(tessera::read_image(voc.image(image.id)).shape() == tessera::Shape{3, 72, 96});
            for (const auto& object : image.objects) {
                CHECK(object.box.area() > 0);
                CHECK(intersect(object.box, frame) == object.box);
                CHECK(object.box.left == std::floor(object.box.left));
                CHECK((object.pose == "Left" || object.pose == "Right"));
            }
        }
    }
    CHECK(sets["train"].size() == 4);
    CHECK(sets["val"].size() == 4);
    CHECK(sets["test"].size() == 6);
    std::set<std::string> joined = sets["train"];
    joined.insert(sets["val"].begin(), sets["val"].end());
    CHECK(joined == sets["trainval"]);
    for (const std::string& id : sets["test"]) CHECK(!joined.contains(id));
}

TEST_CASE("a stop leaves whole files and no lists, and the same recipe completes them") {
    TemporaryFolder folder;
    stop_requested = true;
    CHECK(write_source(folder / "source", small, {}).done == 0);
    CHECK(write_target(folder / "target", small, {}).done == 0);
    CHECK(!fs::exists(folder / "source/words.txt"));
    CHECK(!fs::exists(folder / "target/VOCdevkit/VOC2007/ImageSets/Main/trainval.txt"));
    stop_requested = false;
    write_source(folder / "source", small, {.threads = 2});
    write_target(folder / "target", small, {.threads = 2});
    CHECK(read_tree(folder.path) == generate(small, 1));
}

TEST_CASE("a folder that cannot be written is named") {
    tessera::testing::ReadOnlyFolder folder;
    const std::string message = message_of([&] { write_source(folder / "s", small, {}); });
    CHECK(message.find("cannot make folder " + (folder / "s")) != std::string::npos);
}

TEST_CASE("fine classes differ, and coarse classes split, merge and extend them") {
    std::set<std::string> names, ids;
    std::map<int, std::set<Family>> families;
    std::map<Family, std::set<int>> targets;
    for (int i = 0; i < most_source_classes; ++i) {
        const Kind kind = source_kind(i);
        names.insert(name_of(kind));
        ids.insert(wnid(i));
        families[target_class(kind)].insert(kind.family);
        targets[kind.family].insert(target_class(kind));
    }
    CHECK(names.size() == most_source_classes);
    CHECK(ids.size() == most_source_classes);
    CHECK(families[4] == std::set{Family::bird, Family::butterfly});
    CHECK(families[6] == std::set{Family::pot, Family::bottle});
    CHECK(targets[Family::wagon] == std::set{0, 1});
    CHECK(targets[Family::quadruped] == std::set{-1, 2, 3});
    CHECK(families[9].empty());
    for (int label = 0; label < most_target_classes; ++label) {
        tessera::Random random({.seed = 1, .purpose = tessera::Purpose::generate});
        for (int i = 0; i < 20; ++i) CHECK(target_class(random_kind(label, random)) == label);
    }
}

TEST_CASE("scenes hold things of all classes, some truncated, occluded and difficult") {
    int objects = 0, truncated = 0, occluded = 0, difficult = 0, first = 0;
    constexpr int count = 60;
    for (int i = 0; i < count; ++i) {
        const Scene scene = target_scene(i % 10, {}, random_of(1, Split::target_test, i % 10, i));
        CHECK(scene.objects.size() <= 4);
        for (const auto& object : scene.objects) {
            ++objects;
            truncated += object.truncated;
            occluded += object.occluded;
            difficult += object.difficult;
            first += object.label == i % 10 ? 1 : 0;
        }
    }
    CHECK(objects > count);
    CHECK(first > count * 9 / 10);
    CHECK(truncated > 3);
    CHECK(occluded > 3);
    CHECK(difficult > 0);
    CHECK(difficult < objects / 4);
}

TEST_CASE("what hides a thing shrinks its box and marks it") {
    const auto item = [](float x, int label) {
        detail::Item thing;
        thing.label = label;
        thing.pose = {{x, 40}, 40, 0, false};
        return thing;
    };
    Blueprint square;
    square.add(Role::coat, rectangle({0, 0}, {1, 1}));
    tessera::Random random({.seed = 3, .purpose = tessera::Purpose::generate});
    const Look look = random_look(Texture::plain, random);
    Canvas canvas(200, 80);
    std::vector<detail::Item> items{item(40, 2), item(60, 5), item(190, 1)};
    for (int i = 0; i < 3; ++i) {
        auto& thing = items[static_cast<std::size_t>(i)];
        thing.footprint = paint(canvas, square, thing.pose, look, i);
    }
    const auto objects = detail::annotate(items, canvas);
    REQUIRE(objects.size() == 3);
    CHECK(objects[0].label == 2);
    CHECK(objects[0].box == tessera::Box{10, 10, 20, 30});  // 20 .. 60 seen to 40, at half size
    CHECK(objects[0].occluded);
    CHECK(!objects[0].truncated);
    CHECK(objects[1].box == tessera::Box{20, 10, 40, 30});
    CHECK(!objects[1].occluded);
    CHECK(objects[2].box == tessera::Box{85, 10, 100, 30});  // 170 .. 210, cut at 200
    CHECK(objects[2].truncated);
    CHECK(!objects[2].occluded);
}

TEST_CASE("coverage is the area of the outline, without its holes, within the canvas") {
    const Canvas canvas(40, 30);
    CHECK(sum(rasterise(rectangle({10.3F, 12.6F}, {4.25F, 3.5F}), canvas, 2)) ==
          doctest::Approx(8.5 * 7).epsilon(1e-4));
    const double disc = std::numbers::pi * 64, hole = std::numbers::pi * 25;
    CHECK(sum(rasterise(ellipse({20, 15}, {8, 8}), canvas, 0)) ==
          doctest::Approx(disc).epsilon(0.01));
    CHECK(sum(rasterise(ring({20, 15}, {8, 8}, 3), canvas, 0)) ==
          doctest::Approx(disc - hole).epsilon(0.01));
    CHECK(sum(rasterise(rectangle({0, 0}, {6, 4}), canvas, 0)) == doctest::Approx(24));
    CHECK(sum(rasterise(rectangle({40, 30}, {6, 4}), canvas, 0)) == doctest::Approx(24));
    CHECK(rasterise(rectangle({-50, 0}, {6, 4}), canvas, 0).empty());

    Mask mask = rasterise(rectangle({20, 15}, {5, 5}), canvas, 8);
    soften(mask, 2);
    CHECK(sum(mask) == doctest::Approx(100));
    CHECK(mask.at(20, 15) == doctest::Approx(1));
    CHECK(mask.at(15, 15) > 0.1);
    CHECK(mask.at(15, 15) < 0.9);
}

TEST_CASE("textures stay between their two colours everywhere") {
    tessera::Random random({.seed = 9, .purpose = tessera::Purpose::generate});
    for (int i = 0; i < texture_count; ++i) {
        const Material material = random_material(static_cast<Texture>(i), random);
        float low = std::numeric_limits<float>::infinity(), high = -low;
        for (int n = 0; n < 2000; ++n) {
            const Point p{random.uniform(-2, 2), random.uniform(-2, 2)};
            const float share = pattern(material, p);
            low = std::min(low, share);
            high = std::max(high, share);
        }
        CAPTURE(name_of(material.texture));
        CHECK(low >= 0);
        CHECK(high <= 1);
        CHECK(high - low > 0.05F);
    }
}
